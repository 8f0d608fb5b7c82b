package connection

import (
	"errors"
	"fmt"
)

// SAMLSettings are what the SAML broker needs to know of a connection: where its
// metadata comes from, and what its identity provider is allowed. The broker
// checks them.
type SAMLSettings struct {
	Metadata     []byte // the document, or:
	MetadataURL  string // its address, http or https
	MetadataFile string // where the document was read, for messages; may be empty

	// MetadataSigners are certificates in PEM. If there are any, the key of one
	// has to have signed the document's root, and only what it signed is read.
	MetadataSigners []byte

	// MetadataCA are certificates in PEM of authorities that the metadata's server
	// is trusted by, instead of those of the operating system.
	MetadataCA []byte

	// MetadataPrivate allows a server inside the operator's network: a private
	// address, and http.
	MetadataPrivate bool

	// AllowSHA1, AllowRSA15 and AllowTripleDES accept weak algorithms from an
	// identity provider that has no others. Each is off by default.
	AllowSHA1, AllowRSA15, AllowTripleDES bool

	// NameIDFormat is what AuthnRequests ask for; empty: emailAddress, "none":
	// nothing. It is never transient.
	NameIDFormat string

	// Signed says which signatures are wanted.
	Signed SignedAssertions
	// RequireEncryption refuses an assertion that came in the clear.
	RequireEncryption bool

	// MetadataKeys says which of our key pairs the identity provider is told of.
	MetadataKeys MetadataKeys
}

// MetadataKeys says which of our key pairs the metadata for a connection lists, and
// which one signs its requests. Some identity providers take one certificate only.
type MetadataKeys string

// The choices.
const (
	AllKeys MetadataKeys = ""     // the active one, which signs, and the next one
	OneKey  MetadataKeys = "one"  // the active one alone
	NextKey MetadataKeys = "next" // the next one alone, which signs; the active one while there is none
)

// SignedAssertions says whether the assertion itself has to be signed. One
// signature is needed in any case.
type SignedAssertions string

// The choices.
const (
	SignedPreferred SignedAssertions = ""         // our metadata asks for it; a signed Response will do
	SignedRequired  SignedAssertions = "required" // our metadata asks for it, and a signed Response will not do
	SignedEither    SignedAssertions = "either"   // our metadata does not ask for it
)

// weaknesses are the names of the weak algorithms that can be allowed.
var weaknesses = []string{"sha1", "rsa1_5", "3des"}

// Weak names the weak algorithms that are allowed.
func (s SAMLSettings) Weak() (names []string) {
	for i, allowed := range []bool{s.AllowSHA1, s.AllowRSA15, s.AllowTripleDES} {
		if allowed {
			names = append(names, weaknesses[i])
		}
	}
	return names
}

// AllowWeak allows the named algorithms, and no others. Its error lists the names
// that are none.
func (s *SAMLSettings) AllowWeak(names ...string) error {
	allowed := map[string]*bool{"sha1": &s.AllowSHA1, "rsa1_5": &s.AllowRSA15, "3des": &s.AllowTripleDES}
	for _, a := range allowed {
		*a = false
	}
	var errs []error
	for _, name := range names {
		if allowed[name] == nil {
			errs = append(errs, fmt.Errorf("allow_weak %q: use sha1, rsa1_5 or 3des", name))
			continue
		}
		*allowed[name] = true
	}
	return errors.Join(errs...)
}
