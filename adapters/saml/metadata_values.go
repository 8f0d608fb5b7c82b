package saml

import (
	"errors"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/domain/connection"
)

// metadata is the part that the domain knows, for keeping.
func (p *idp) metadata() connection.Metadata {
	m := connection.Metadata{
		EntityID: p.entityID, Document: p.document, ValidUntil: p.validUntil, Signed: p.wantsSigned, Warnings: p.doubts,
	}
	for _, c := range append(p.certificates[:len(p.certificates):len(p.certificates)], p.bare...) {
		id, err := xmlsec.KeyID(c.Key)
		if err != nil {
			continue // of a kind that verifies nothing
		}
		m.Keys = append(m.Keys, connection.Key{
			Fingerprint: id, Certificate: c.SHA256, Subject: sanitized(c.Subject), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		})
	}
	if p.redirectURL != "" {
		m.Bindings = append(m.Bindings, "HTTP-Redirect")
	}
	if p.postURL != "" {
		m.Bindings = append(m.Bindings, "HTTP-POST")
	}
	return m
}

// restored reads what [idp.metadata] made. The document was verified before it was
// kept.
func restored(m connection.Metadata) (*idp, error) {
	got, err := readMetadata(m.Document, m.EntityID, nil)
	if err != nil {
		return nil, err
	}
	if got.entityID != m.EntityID {
		return nil, errors.New("it is that of another identity provider")
	}
	if got.validUntil.IsZero() || !m.ValidUntil.IsZero() && m.ValidUntil.Before(got.validUntil) {
		got.validUntil = m.ValidUntil // of what was around it
	}
	return got, nil
}
