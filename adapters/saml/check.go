package saml

import (
	"errors"

	"github.com/devicegate/devicegate/domain/connection"
)

// Check lists everything that is wrong with the SAML settings of via, and with
// the metadata document if there is one. It fetches nothing, and metadata that
// has expired is nothing wrong: it fails sign-ins, not the start.
func Check(via connection.Connection) error {
	s := policy{via.Settings().SAML}
	wrong := s.check()
	if len(s.Metadata) == 0 {
		return wrong
	}
	signers, _ := s.signers() // check reports what is wrong with them
	if _, err := readMetadata(s.Metadata, via.Settings().EntityID, signers); err != nil {
		return errors.Join(wrong, inMetadata(s.origin(), err))
	}
	return wrong
}

// CheckTogether refuses connections that cannot stand beside one another, by what the
// configuration itself says of them. What metadata from a URL says is warned of
// instead, so that no document of a server stops a start.
func CheckTogether(all connection.Directory) error {
	entities := connection.Entities{}
	for _, via := range all.All() {
		s := policy{via.Settings().SAML}
		signers, _ := s.signers()
		read, _ := readMetadata(s.Metadata, via.Settings().EntityID, signers) // Check reports what is wrong
		entities[via.Slug()] = configured(via, read)
	}
	return entities.Check(all)
}

// configured is the entityID that the configuration names or has the document of.
func configured(via connection.Connection, document *idp) string {
	if via.Settings().SAML.MetadataURL == "" && document != nil {
		return document.entityID
	}
	return via.Settings().EntityID
}
