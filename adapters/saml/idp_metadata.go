package saml

import (
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/identity"
)

// idp holds what we use of an identity provider's metadata.
type idp struct {
	entityID    string
	keys        []crypto.PublicKey
	redirectURL string // where AuthnRequests go; empty: not that way
	postURL     string
	wantsSigned bool
	validUntil  time.Time // zero: for ever

	document     []byte               // the EntityDescriptor alone
	certificates []xmlsec.Certificate // of the keys, those that have dates
	bare         []xmlsec.Certificate // keys without a certificate
	doubts       []string             // what could not be used, or will not work
}

// metadataLimits leave room for a federation.
var metadataLimits = xmltree.Limits{Bytes: 32 << 20, Depth: 100, Elements: 1_000_000, Attributes: 256, Namespaces: 256}

// entity is an EntityDescriptor, and the end of its validity and of the
// EntitiesDescriptors around it.
type entity struct {
	node       *xmltree.Node
	id         string
	validUntil time.Time
}

// readMetadata finds one identity provider in a document (SAML metadata §2.3):
// an EntityDescriptor, or one among many in EntitiesDescriptors. The document
// is the trust anchor: its keys are trusted, and the dates of certificates only
// cause warnings. With signers, only what one of them has signed is read
// (metadata §3).
func readMetadata(document []byte, entityID string, signers []crypto.PublicKey) (*idp, error) {
	root, err := xmltree.Parse(document, metadataLimits)
	if err != nil {
		return nil, notMetadata(document, err)
	}
	if len(signers) > 0 {
		id, _ := root.Attr("ID")
		octets, err := xmlsec.Verify(root, id, signers, xmlsec.Consent{})
		if err != nil {
			return nil, err
		}
		if root, err = xmltree.Parse(octets, metadataLimits); err != nil {
			return nil, err
		}
	}
	all, err := entities(root, time.Time{})
	if err != nil {
		return nil, notMetadata(document, err)
	}
	chosen, err := choose(all, entityID)
	if err != nil {
		return nil, err
	}
	return readEntity(chosen)
}

// notMetadata names what came instead, where that is common: the address of a
// login page, an OpenID configuration, a certificate.
func notMetadata(document []byte, err error) error {
	start := strings.ToLower(strings.TrimLeft(string(document[:min(len(document), 1024)]), "\uFEFF"+xmltree.White))
	what := ""
	switch {
	case start == "" && len(document) <= 1024:
		what = "nothing"
	case strings.Contains(start, "<html") || strings.HasPrefix(start, "<!doctype html"):
		what = "an HTML page"
	case strings.HasPrefix(start, "{") || strings.HasPrefix(start, "["):
		what = "JSON"
	case strings.HasPrefix(start, "-----begin"):
		what = "PEM, a certificate or a key,"
	default:
		return err
	}
	return fmt.Errorf("%s came instead of metadata (%w)", what, err)
}

// entities are all identity providers in n, each with its earliest validUntil.
func entities(n *xmltree.Node, until time.Time) ([]entity, error) {
	until, err := earlier(until, n)
	if err != nil {
		return nil, err
	}
	switch {
	case n.Is(nsMetadata, "EntityDescriptor"):
		id, _ := n.Attr("entityID")
		if id = strings.Trim(id, xmltree.White); len(idpRoles(n)) == 0 {
			return nil, nil
		}
		return []entity{{n, id, until}}, nil
	case n.Is(nsMetadata, "EntitiesDescriptor"):
		var out []entity
		for _, c := range n.Elements() {
			if !c.Is(nsMetadata, "EntityDescriptor") && !c.Is(nsMetadata, "EntitiesDescriptor") {
				continue
			}
			inner, err := entities(c, until)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s of %q is no EntityDescriptor or EntitiesDescriptor", n.Local, sanitized(n.Space))
}

// idpRoles are the descriptors of an identity provider for SAML 2.0; an entity
// may have several.
func idpRoles(n *xmltree.Node) []*xmltree.Node {
	var out []*xmltree.Node
	for _, role := range n.Children(nsMetadata, "IDPSSODescriptor") {
		protocols, said := role.Attr("protocolSupportEnumeration")
		if !said || strings.Contains(" "+strings.Join(strings.Fields(protocols), " ")+" ", " "+nsProtocol+" ") {
			out = append(out, role)
		}
	}
	return out
}

func choose(all []entity, entityID string) (entity, error) {
	var ids []string
	for _, e := range all {
		if e.id == entityID || entityID == "" && len(all) == 1 {
			return e, nil
		}
		if len(ids) < 10 {
			ids = append(ids, e.id)
		}
	}
	switch {
	case len(all) == 0:
		return entity{}, errors.New("no identity provider (IDPSSODescriptor) in it, perhaps that of a service provider")
	case entityID == "":
		return entity{}, fmt.Errorf("several identity providers, say which by entity_id: %s", sanitized(strings.Join(ids, " ")))
	}
	return entity{}, fmt.Errorf("no identity provider %s, but %s", entityID, sanitized(strings.Join(ids, " ")))
}

// placeholder finds a part that the administrator has to fill in: metadata for
// all tenants of Entra ID names its issuer so.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func readEntity(e entity) (*idp, error) {
	if err := identity.CheckIssuer(e.id); err != nil {
		return nil, errors.New("the entityID has to have 1 to 255 characters")
	}
	out := &idp{entityID: e.id, validUntil: e.validUntil, document: xmltree.Canonical(e.node, xmltree.Form{Exclusive: true}, nil)}
	var errs []error
	for _, role := range idpRoles(e.node) {
		until, err := earlier(out.validUntil, role)
		if err != nil {
			return nil, err
		}
		out.validUntil = until
		if wants := attr(role, "WantAuthnRequestsSigned"); wants == "true" || wants == "1" {
			out.wantsSigned = true
		}
		errs = append(errs, out.readKeys(role)...)
		errs = append(errs, out.readEndpoints(role)...)
	}
	if len(out.keys) == 0 {
		return nil, because("no signing key that can be used", errs)
	}
	if out.redirectURL == "" && out.postURL == "" {
		return nil, because("no SingleSignOnService by HTTP-Redirect or HTTP-POST", errs)
	}
	for _, text := range []string{e.id, out.redirectURL, out.postURL} {
		if p := placeholder.FindString(text); p != "" {
			errs = append(errs, fmt.Errorf("%q holds the placeholder %s, so that no response can match it: use the metadata of your own tenant", sanitized(text), sanitized(p)))
		}
	}
	for _, err := range errs {
		out.doubts = append(out.doubts, err.Error())
	}
	return out, nil
}

func because(text string, causes []error) error {
	for _, cause := range causes {
		text += "; " + cause.Error()
	}
	return errors.New(text)
}

// readKeys takes every key that may sign: KeyDescriptors for signing and those
// that do not say what for (metadata §2.4.1.1).
func (p *idp) readKeys(role *xmltree.Node) (errs []error) {
	for _, d := range role.Children(nsMetadata, "KeyDescriptor") {
		if use, said := d.Attr("use"); said && use != "signing" {
			continue
		}
		for _, info := range d.Children(xmlsec.Signature, "KeyInfo") {
			certs, err := xmlsec.CertificatesOf(info)
			if err != nil {
				errs = append(errs, fmt.Errorf("a signing key is left out: %w", err))
			}
			for _, c := range certs {
				p.trust(c)
			}
		}
	}
	return errs
}

func (p *idp) trust(c xmlsec.Certificate) {
	if !c.NotAfter.IsZero() {
		p.certificates = append(p.certificates, c)
	} else {
		p.bare = append(p.bare, c)
	}
	for _, k := range p.keys {
		if xmlsec.SameKey(k, c.Key) {
			return
		}
	}
	p.keys = append(p.keys, c.Key)
}

// readEndpoints takes the first usable address of each binding we can use.
func (p *idp) readEndpoints(role *xmltree.Node) (errs []error) {
	for _, n := range role.Children(nsMetadata, "SingleSignOnService") {
		var to *string
		switch attr(n, "Binding") {
		case bindingRedirect:
			to = &p.redirectURL
		case bindingPOST:
			to = &p.postURL
		default:
			continue
		}
		location := attr(n, "Location")
		u, err := url.Parse(location)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
			errs = append(errs, fmt.Errorf("the SingleSignOnService %q is no http or https URL", sanitized(location)))
			continue
		}
		if *to == "" {
			*to = location
		}
	}
	return errs
}

// earlier is the earlier of until and the validUntil of n. cacheDuration is advice
// about fetching and is not read.
func earlier(until time.Time, n *xmltree.Node) (time.Time, error) {
	text, said := n.Attr("validUntil")
	if !said {
		return until, nil
	}
	t, ok := parseInstant(strings.Trim(text, xmltree.White))
	if !ok {
		return until, fmt.Errorf("validUntil %q is no time", sanitized(text))
	}
	if until.IsZero() || t.Before(until) {
		until = t
	}
	return until, nil
}

// expiredError says that metadata has ended.
type expiredError struct{ at time.Time }

func (e expiredError) Error() string {
	return "valid until " + timestamp(e.at) + ", which has passed; ask the identity provider's administrator for current metadata"
}

// expired is the reason why the metadata cannot be used any more.
func (p *idp) expired(at time.Time) error {
	if p.validUntil.IsZero() || at.Before(p.validUntil) {
		return nil
	}
	return expiredError{p.validUntil}
}
