package config

import (
	"errors"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/setting"
)

// loadConnections reads the connections file for the first time.
func (c *Config) loadConnections(e environment, wrong *problems) {
	c.Files = files.Config{Path: e.ConnectionsFile, Check: func(via connection.Connection) error {
		s := via.Settings()
		var errs []error
		if s.Broker == connection.Enterprise && e.EnterpriseAPIURL == "" {
			errs = append(errs, errors.New("broker enterprise needs ENTERPRISE_API_URL"))
		}
		if s.ACSMount == connection.Legacy && e.LegacyRoutes == "off" {
			errs = append(errs, setting.Wrong("LEGACY_ROUTES", "cannot be off: the identity provider of connection %s still posts to the legacy callback (acs_mount: legacy)", s.Slug))
		}
		if s.Broker == connection.SAML {
			errs = append(errs, saml.Check(via))
		}
		return errors.Join(errs...)
	}}
	var err error
	c.Connections, err = files.Read(c.Files.Path, c.Files.Check)
	wrong.named(nil, err)
}
