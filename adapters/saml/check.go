package saml

import (
	"errors"

	"github.com/devicegate/devicegate/domain/connection"
)

// Check lists everything that is wrong with the source of via's metadata, and
// with the document if there is one. It fetches nothing, and metadata that has
// expired is nothing wrong: it fails sign-ins, not the start.
func (s Source) Check(via connection.Connection) error {
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
