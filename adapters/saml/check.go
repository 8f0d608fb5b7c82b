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
