package token

import (
	"hash/crc32"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
)

const (
	prefixExternal = "dfoe_"
	prefixAccount  = "dfoa_"
	bodyLength     = 43
	checksumLength = 6
	base64url      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// ErrInvalid refuses a bearer token that is malformed, unknown, revoked or
// expired (RFC 6750 §3.1): all alike.
var ErrInvalid = fault.New(fault.Unauthenticated, "invalid_token",
	"This token is not valid, or no longer. Sign the device in again.")

// ErrOtherClient refuses a client that presents another client's token (RFC
// 6749 §5.2).
var ErrOtherClient = fault.New(fault.Invalid, "invalid_grant",
	"This token was issued to another client. Send the client_id of the one that got it, or none.")

// ErrInsufficientScope refuses a request that needs a scope which the token has
// not (RFC 6750 §3.1).
var ErrInsufficientScope = fault.New(fault.Forbidden, "insufficient_scope",
	"This token does not have the scope that is needed here. Sign the device in again and ask for it.")

// Secret is a token as the client presents it: a prefix that tells the kind of
// subject, 37 random characters (222 bits), and six that are a checksum by
// which a scanner of leaked secrets tells a real token from a look-alike. It
// prints as "[token]".
type Secret struct{ secret.Text }

func newSecret(of identity.Type) Secret {
	prefix := prefixOf(of)
	body := secret.Random("", 28).Reveal()[:bodyLength-checksumLength]
	return Secret{secret.New("token", prefix+body+checksum(prefix+body))}
}

// RequireChecksum says that every token of the table is one of ours. Otherwise
// another issuer that shares the table may make tokens without a checksum, which
// cannot be told from ours in any other way.
type RequireChecksum bool

// Check returns [ErrInvalid] for a token that cannot be one of ours.
func (r RequireChecksum) Check(s Secret) error {
	if bool(r) && !s.ChecksumHolds() {
		return ErrInvalid
	}
	return nil
}

// ParseSecret returns [ErrInvalid] for what no issuer of this token table can
// have issued. For the checksum see [RequireChecksum].
func ParseSecret(text string) (Secret, error) {
	body, external := strings.CutPrefix(text, prefixExternal)
	if !external {
		var account bool
		if body, account = strings.CutPrefix(text, prefixAccount); !account {
			return Secret{}, ErrInvalid
		}
	}
	if len(body) != bodyLength || strings.Trim(body, base64url) != "" {
		return Secret{}, ErrInvalid
	}
	return Secret{secret.New("token", text)}, nil
}

// ChecksumHolds reports whether the last six characters fit the others.
func (s Secret) ChecksumHolds() bool {
	text := s.Reveal()
	if len(text) < checksumLength {
		return false
	}
	cut := len(text) - checksumLength
	return checksum(text[:cut]) == text[cut:]
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var b [checksumLength]byte
	for i := checksumLength - 1; i >= 0; i-- {
		b[i] = base64url[sum&63]
		sum >>= 6
	}
	return string(b[:])
}

func prefixOf(t identity.Type) string {
	if t == identity.Account {
		return prefixAccount
	}
	return prefixExternal
}
