package saml

import "github.com/devicegate/devicegate/domain/connection"

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
