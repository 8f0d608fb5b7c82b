// Package administrator names the administrators: the operators and programs that
// may call the administrators' API, each with a token of its own. All of them may do
// the same; what they do is a use case, which takes their name as the actor.
package administrator

import (
	"regexp"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/secret"
)

// ErrToken refuses a token that no administrator has.
var ErrToken = fault.New(fault.Unauthenticated, "invalid_token",
	"No administrator has this token. Make one with: devicegate admin new-token NAME, and put its line into ADMIN_TOKENS.")

// ErrName says that a text cannot name an administrator.
var ErrName = fault.New(fault.Invalid, "invalid_administrator",
	"An administrator's name has 1 to 64 letters, digits and the characters . _ @ -, for instance ann or deploy-bot.")

// ErrCredential says that a text is not the line of a credential.
var ErrCredential = fault.New(fault.Invalid, "invalid_administrator",
	"An administrator is written as name:hash; the hash is the SHA-256 of the token, 64 hex digits.")

// ErrTokenItself is an [ErrCredential] that holds a token where its hash belongs.
var ErrTokenItself = fault.New(fault.Invalid, "invalid_administrator",
	"The token itself stands where its hash belongs. Make a new one with: devicegate admin new-token NAME.")

// Name is the name of an administrator, as audit events show it.
type Name struct{ text string }

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// ParseName returns [ErrName].
func ParseName(text string) (Name, error) {
	if !nameForm.MatchString(text) {
		return Name{}, ErrName
	}
	return Name{text}, nil
}

func (n Name) String() string { return n.text }

// IsZero reports whether there is no name.
func (n Name) IsZero() bool { return n.text == "" }

// tokenPrefix lets scanners for leaked secrets recognise a token.
const tokenPrefix = "dgadmin_"

const tokenBytes = 32

// Credential is the token of one administrator as it is configured: by its digest.
type Credential struct {
	Name   Name
	digest secret.Digest
}

// NewCredential makes a token. It is for the administrator alone and is not kept.
func NewCredential(of Name) (Credential, secret.Text) {
	const what = "administrator's token"
	made := secret.New(what, tokenPrefix+secret.Random(what, tokenBytes).Reveal())
	return Credential{of, made.Digest()}, made
}

// ParseCredential reads name:hash. It returns [ErrName], [ErrCredential] or
// [ErrTokenItself].
func ParseCredential(text string) (Credential, error) {
	rawName, rawHash, found := strings.Cut(text, ":")
	if strings.HasPrefix(rawName, tokenPrefix) || strings.HasPrefix(rawHash, tokenPrefix) {
		return Credential{}, ErrTokenItself
	}
	if !found {
		return Credential{}, ErrCredential
	}
	name, err := ParseName(rawName)
	if err != nil {
		return Credential{}, err
	}
	digest, err := secret.ParseDigest(rawHash)
	if err != nil {
		return Credential{}, ErrCredential
	}
	return Credential{name, digest}, nil
}

// String is what [ParseCredential] reads.
func (c Credential) String() string { return c.Name.text + ":" + c.digest.Hex() }

// SameToken reports whether two credentials are of one token.
func (c Credential) SameToken(other Credential) bool { return c.digest.Equal(other.digest) }

// Credentials are those of all administrators.
type Credentials struct{ known []Credential }

// NewCredentials knows the given ones. One administrator may have several, while a
// token is being replaced.
func NewCredentials(known ...Credential) Credentials { return Credentials{known} }

// IsZero reports whether there is no administrator.
func (c Credentials) IsZero() bool { return len(c.known) == 0 }

// Authenticate returns the administrator that has the token, or [ErrToken]. It
// compares the token's digest with every credential in constant time.
func (c Credentials) Authenticate(token secret.Text) (Name, error) {
	presented, found := token.Digest(), Name{}
	for _, known := range c.known {
		if presented.Equal(known.digest) {
			found = known.Name
		}
	}
	if found.IsZero() {
		return Name{}, ErrToken
	}
	return found, nil
}
