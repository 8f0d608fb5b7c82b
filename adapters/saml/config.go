package saml

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/domain/identity"
)

// Config holds the service provider's settings and the metadata of the identity
// providers.
type Config struct {
	PublicURL string            // scheme://host[:port][/prefix], no trailing slash
	EntityID  string            // empty: PublicURL + "/saml/metadata"
	ClockSkew time.Duration     // how far an identity provider's clock may be off, either way
	Sources   map[string]Source // by connection slug
	Keys      Keys

	LegacyRoutes bool // the legacy mount is on: our metadata lists its ACS
}

// Source is where one connection's metadata comes from and what its identity
// provider is allowed.
type Source struct {
	Metadata     []byte // the document, or:
	MetadataURL  string // its address, http or https
	MetadataFile string // where the document was read, for messages; may be empty

	// MetadataSigners are certificates in PEM. If there are any, the key of one
	// has to have signed the document's root, and only what it signed is read.
	MetadataSigners []byte

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
}

// SignedAssertions says whether the assertion itself has to be signed. One
// signature is needed in any case.
type SignedAssertions string

// The choices.
const (
	SignedPreferred SignedAssertions = ""         // our metadata asks for it; a signed Response will do
	SignedRequired  SignedAssertions = "required" // our metadata asks for it, and a signed Response will not do
	SignedEither    SignedAssertions = "either"   // our metadata does not ask for it
)

// origin is where the metadata comes from, as far as it may be shown.
func (s Source) origin() string {
	if s.MetadataURL == "" {
		return s.MetadataFile
	}
	u, _ := url.Parse(s.MetadataURL)
	return address(u)
}

// nameIDFormat is what AuthnRequests ask for; empty: nothing.
func (s Source) nameIDFormat() string {
	switch s.NameIDFormat {
	case "":
		return formatEmail
	case "none":
		return ""
	}
	return s.NameIDFormat
}

func (s Source) consent() xmlsec.Consent {
	return xmlsec.Consent{SHA1: s.AllowSHA1, RSA15: s.AllowRSA15, TripleDES: s.AllowTripleDES}
}

// complete fills in defaults and lists everything that is wrong, the sources
// apart.
func (c Config) complete() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") || u.RawQuery != "" || u.Fragment != "" {
		wrong("saml: public URL %q: use scheme://host[:port][/prefix] without a slash at the end", c.PublicURL)
	}
	if c.EntityID == "" {
		c.EntityID = c.PublicURL + "/saml/metadata"
	}
	if len(c.EntityID) > 1024 || identity.CheckIssuer(c.EntityID) != nil {
		wrong("saml: entity ID %q: 1 to 255 characters without blanks around them", c.EntityID)
	}
	if c.ClockSkew < 0 || c.ClockSkew > time.Hour {
		wrong("saml: clock skew %s: use 0 to 1 h", c.ClockSkew)
	}
	if err := c.Keys.check(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

func (s Source) check() error {
	var errs []error
	switch {
	case len(s.Metadata) > 0 && s.MetadataURL != "":
		errs = append(errs, errors.New("metadata: a document or a URL, not both"))
	case len(s.Metadata) == 0 && s.MetadataURL == "":
		errs = append(errs, errors.New("metadata: name a document or a URL"))
	case s.MetadataURL != "":
		if u, err := url.Parse(s.MetadataURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("metadata_url %q: use an http or https URL", address(u)))
		}
	}
	if _, err := s.signers(); err != nil {
		errs = append(errs, err)
	}
	if s.NameIDFormat == formatTransient {
		errs = append(errs, errors.New("name ID format: a transient NameID is another one at each sign-in"))
	}
	if s.Signed != SignedPreferred && s.Signed != SignedRequired && s.Signed != SignedEither {
		errs = append(errs, fmt.Errorf("signed assertions %q: use required or either", s.Signed))
	}
	return errors.Join(errs...)
}

// signers are the keys of MetadataSigners.
func (s Source) signers() ([]crypto.PublicKey, error) {
	var out []crypto.PublicKey
	for rest := s.MetadataSigners; len(bytes.TrimSpace(rest)) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("metadata signers: not PEM")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("metadata signers: %w", err)
		}
		out = append(out, certificate.PublicKey)
	}
	return out, nil
}
