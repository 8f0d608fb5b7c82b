package device

import "github.com/devicegate/devicegate/domain/secret"

const (
	codePrefix = "dc_"
	codeBytes  = 24 // 32 characters of base64url
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
