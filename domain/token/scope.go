package token

import (
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
)

// ErrInvalidScope says that a scope is not known here (RFC 6749 §5.2).
var ErrInvalidScope = fault.New(fault.Invalid, "invalid_scope",
	"One of the scopes is not known here. Leave scope out, or ask for apps:run.")

// ScopesOf are what a token for such a subject may do. The kind of subject
// alone decides, because the API that checks the token goes by its prefix.
func ScopesOf(t identity.Type) []string {
	if t == identity.Account {
		return []string{"full"}
	}
	return []string{"apps:run", "apps:read:permitted-external"}
}

// CheckScope returns [ErrInvalidScope] unless every word of a scope parameter
// is known. Asking is optional, and does not narrow what is granted; the answer
// says what that is.
func CheckScope(text string) error {
	for _, word := range strings.Fields(text) {
		if word != "full" && word != "apps:run" && word != "apps:read:permitted-external" {
			return ErrInvalidScope
		}
	}
	return nil
}
