package saml

import (
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/identity"
)

// idp is what is used of an identity provider's metadata.
type idp struct {
	entityID    string
	keys        []crypto.PublicKey
	redirectURL string // where AuthnRequests go; empty: not that way
	postURL     string
	wantsSigned bool
	validUntil  time.Time // zero: for ever

	certificates []xmlsec.Certificate // of the keys, those that have dates
	leftOut      []string             // what could not be used
}

// metadataLimits leave room for a federation.
var metadataLimits = xmltree.Limits{Bytes: 32 << 20, Depth: 100, Elements: 1_000_000, Attributes: 256, Namespaces: 256}

// entity is an EntityDescriptor and the validUntil of what it lies in.
type entity struct {
	node       *xmltree.Node
	id         string
	validUntil time.Time
}

// readMetadata finds one identity provider in a document (SAML metadata §2.3):
// an EntityDescriptor, or one among many in EntitiesDescriptors. The document
// is the trust anchor: its keys are trusted, and the dates of certificates only
// make warnings. With signers it is trusted as far as one of them has signed it
// (metadata §3).
func readMetadata(document []byte, entityID string, signers []crypto.PublicKey) (*idp, error) {
	root, err := xmltree.Parse(document, metadataLimits)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if len(signers) > 0 {
		id, _ := root.Attr("ID")
		octets, err := xmlsec.Verify(root, id, signers, xmlsec.Consent{})
		if err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
		if root, err = xmltree.Parse(octets, metadataLimits); err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
	}
	all, err := entities(root, time.Time{})
	if err != nil {
		return nil, err
	}
	chosen, err := choose(all, entityID)
	if err != nil {
		return nil, err
	}
	return readEntity(chosen)
}

// entities are all identity providers in n. The nearest end wins.
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
	return nil, fmt.Errorf("metadata: %s of %q is no EntityDescriptor or EntitiesDescriptor", n.Local, shown(n.Space))
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
		return entity{}, errors.New("metadata: no identity provider (IDPSSODescriptor) in it")
	case entityID == "":
		return entity{}, fmt.Errorf("metadata: several identity providers, say which by entity_id: %s", shown(strings.Join(ids, " ")))
	}
	return entity{}, fmt.Errorf("metadata: no identity provider %s, but %s", entityID, shown(strings.Join(ids, " ")))
}

func readEntity(e entity) (*idp, error) {
	if err := identity.CheckIssuer(e.id); err != nil {
		return nil, errors.New("metadata: the entityID has to have 1 to 255 characters")
	}
	out := &idp{entityID: e.id, validUntil: e.validUntil}
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
		return nil, errors.Join(append([]error{errors.New("metadata: no signing key that can be used")}, errs...)...)
	}
	if out.redirectURL == "" && out.postURL == "" {
		return nil, errors.Join(append([]error{errors.New("metadata: no SingleSignOnService by HTTP-Redirect or HTTP-POST")}, errs...)...)
	}
	for _, err := range errs {
		out.leftOut = append(out.leftOut, err.Error())
	}
	return out, nil
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
				errs = append(errs, fmt.Errorf("metadata: a signing key is left out: %w", err))
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
			errs = append(errs, fmt.Errorf("metadata: the SingleSignOnService %q is no http or https URL", shown(location)))
			continue
		}
		if *to == "" {
			*to = location
		}
	}
	return errs
}

// earlier is the sooner end of validity. cacheDuration is advice about fetching
// and is not read.
func earlier(until time.Time, n *xmltree.Node) (time.Time, error) {
	text, said := n.Attr("validUntil")
	if !said {
		return until, nil
	}
	t, ok := parseInstant(strings.Trim(text, xmltree.White))
	if !ok {
		return until, fmt.Errorf("metadata: validUntil %q is no time", shown(text))
	}
	if until.IsZero() || t.Before(until) {
		until = t
	}
	return until, nil
}

// expired is the reason why the metadata cannot be used any more.
func (p *idp) expired(at time.Time) error {
	if p.validUntil.IsZero() || at.Before(p.validUntil) {
		return nil
	}
	return fmt.Errorf("metadata: it was valid until %s", stamp(p.validUntil))
}

// warnings are what operators should know about metadata that can be used.
func (p *idp) warnings(at time.Time) []string {
	out := slices.Clone(p.leftOut)
	for _, c := range p.certificates {
		switch {
		case at.After(c.NotAfter):
			out = append(out, fmt.Sprintf("the signing certificate %q expired at %s; its key is trusted because the metadata publishes it", shown(c.Subject), stamp(c.NotAfter)))
		case at.Before(c.NotBefore):
			out = append(out, fmt.Sprintf("the signing certificate %q begins at %s", shown(c.Subject), stamp(c.NotBefore)))
		case at.Add(30 * 24 * time.Hour).After(c.NotAfter):
			out = append(out, fmt.Sprintf("the signing certificate %q expires at %s", shown(c.Subject), stamp(c.NotAfter)))
		}
	}
	return out
}
