package device

import (
	"encoding/base64"
	"strings"

	"github.com/devicegate/devicegate/domain/secret"
)

const (
	codePrefix = "dc_"
	codeBytes  = 24
	codeLength = 32 // of base64url
)

// Code is the device code: the client's secret for one authorization (RFC 8628
// §3.2). It prints as "[device code]".
type Code struct{ secret.Text }

// NewCode makes a device code of 192 random bits.
func NewCode() Code {
	return Code{secret.New("device code", codePrefix+secret.Random("", codeBytes).Reveal())}
}

// ParseCode wraps what a client sent. It accepts any text: a code that was
// never issued takes the same way to the same answer as one that was.
func ParseCode(text string) Code { return Code{secret.New("device code", text)} }

// WellFormed reports whether the text could have been issued here.
func (c Code) WellFormed() bool {
	rest, ok := strings.CutPrefix(c.Reveal(), codePrefix)
	if !ok || len(rest) != codeLength { // the decoder would skip line breaks
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	return err == nil && len(b) == codeBytes
}
