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
	"unicode"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// Config holds the service provider's settings.
type Config struct {
	PublicURL string          // scheme://host[:port][/prefix], no trailing slash
	EntityID  string          // empty: PublicURL + "/saml/metadata"
	ClockSkew time.Duration   // how far an identity provider's clock may be off, either way
	KeyWait   time.Duration   // how long a response with an unknown key waits for metadata; 0: five seconds
	Tracer    *tracing.Tracer // nil: no spans
}

// policy reads the SAML settings of a connection.
type policy struct{ connection.SAMLSettings }

// origin is where the metadata comes from, as far as it may be shown.
func (s policy) origin() string {
	if s.MetadataURL == "" {
		return s.MetadataFile
	}
	u, _ := url.Parse(s.MetadataURL)
	return address(u)
}

// nameIDFormat is what AuthnRequests ask for; empty: nothing.
func (s policy) nameIDFormat() string {
	switch s.NameIDFormat {
	case "":
		return formatEmail
	case "none":
		return ""
	}
	return s.NameIDFormat
}

func (s policy) consent() xmlsec.Consent {
	return xmlsec.Consent{SHA1: s.AllowSHA1, RSA15: s.AllowRSA15, TripleDES: s.AllowTripleDES}
}

// published are the pairs that metadata for the connection lists.
func (s policy) published(ours spkeys.Set) []spkeys.Pair {
	if s.MetadataKeys == connection.AllKeys {
		return ours.Published()
	}
	return []spkeys.Pair{s.signer(ours)}
}

// signer is the pair that signs the connection's requests. It is one of those that
// are published for the connection.
func (s policy) signer(ours spkeys.Set) spkeys.Pair {
	if s.MetadataKeys == connection.NextKey {
		return ours.Upcoming()
	}
	return ours.Active()
}

// clockSkewMax bounds for how long an expired assertion is accepted.
const clockSkewMax = 10 * time.Minute

// Check lists everything that is wrong with the configuration; each
// [setting.Problem] names a field. DefaultEntityID is the entity ID that is made
// of PublicURL.
func (c Config) Check() error {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, setting.Wrong(field, format, args...)) }
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") || u.RawQuery != "" || u.Fragment != "" {
		wrong("PublicURL", "use scheme://host[:port][/prefix] without a slash at the end")
	}
	switch {
	case isEntityID(c.SPEntityID()):
	case c.EntityID == "":
		wrong("DefaultEntityID", "is too long for the SAML entity ID that is made of it; set SAML_ENTITY_ID")
	default:
		wrong("EntityID", "use at most 255 characters, and no blanks")
	}
	if c.ClockSkew < 0 || c.ClockSkew > clockSkewMax {
		wrong("ClockSkew", "is %s; use 0s to 10m", c.ClockSkew)
	}
	return errors.Join(errs...)
}

// SPEntityID is the entity ID of the service provider.
func (c Config) SPEntityID() string {
	if c.EntityID == "" {
		return c.PublicURL + "/saml/metadata"
	}
	return c.EntityID
}

// isEntityID is stricter than SAML, which asks for a URI of up to 1024
// characters: an entity ID is an issuer, too, and those are kept with tokens.
func isEntityID(text string) bool {
	return identity.CheckIssuer(text) == nil && !strings.ContainsFunc(text, unicode.IsSpace)
}

func (s policy) check() error {
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
	if len(s.MetadataCA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(s.MetadataCA) {
		errs = append(errs, errors.New("metadata_ca_file: it holds no certificate in PEM"))
	}
	if s.NameIDFormat == formatTransient {
		errs = append(errs, errors.New("name ID format: a transient NameID is another one at each sign-in"))
	}
	if s.Signed != connection.SignedPreferred && s.Signed != connection.SignedRequired && s.Signed != connection.SignedEither {
		errs = append(errs, fmt.Errorf("signed assertions %q: use required or either", s.Signed))
	}
	if s.MetadataKeys != connection.AllKeys && s.MetadataKeys != connection.OneKey && s.MetadataKeys != connection.NextKey {
		errs = append(errs, fmt.Errorf("metadata_keys %q: use all, one or next", s.MetadataKeys))
	}
	return errors.Join(errs...)
}

// signers are the keys of MetadataSigners.
func (s policy) signers() ([]crypto.PublicKey, error) {
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
