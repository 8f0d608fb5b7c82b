package config

import (
	"errors"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
)

// connectionRules are what a connection needs of this installation.
func connectionRules(e environment) application.ConnectionRules {
	return func(via connection.Connection) error {
		s := via.Settings()
		var errs []error
		if s.Broker == connection.Enterprise && e.EnterpriseAPIURL == "" {
			errs = append(errs, errors.New("broker enterprise needs ENTERPRISE_API_URL"))
		}
		if s.Broker == connection.SAML {
			errs = append(errs, saml.Check(via))
		}
		return errors.Join(errs...)
	}
}

// loadConnections reads the connections file for the first time.
func (c *Config) loadConnections(e environment, wrong *problems) {
	c.Files = files.Config{Path: e.ConnectionsFile, Check: files.Check(c.ConnectionRules)}
	var err error
	c.Connections, err = files.Read(c.Files.Path, c.Files.Check)
	wrong.named(nil, errors.Join(err, saml.CheckTogether(c.Connections)))
}
