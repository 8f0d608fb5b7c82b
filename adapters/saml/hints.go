package saml

import "github.com/devicegate/devicegate/domain/connection"

// Hints implements [ports.Explainer].
func (b *Broker) Hints(via connection.Connection) []string {
	hints := Hints(via)
	if s, ok := b.served.Load().sources[via.Slug()]; ok {
		if of, err := s.current(); err == nil {
			hints = append(hints, of.entityID, of.redirectURL, of.postURL)
		}
	}
	return hints
}

// Hints are the entity ID and the addresses by which the product of an identity
// provider can be recognised, as far as the configuration holds them. It fetches
// nothing.
func Hints(via connection.Connection) []string {
	s := policy{via.Settings().SAML}
	hints := []string{via.Settings().EntityID, s.origin()}
	if len(s.Metadata) == 0 {
		return hints
	}
	if of, err := readMetadata(s.Metadata, via.Settings().EntityID, nil); err == nil {
		hints = append(hints, of.entityID, of.redirectURL, of.postURL)
	}
	return hints
}
