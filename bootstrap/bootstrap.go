// Package bootstrap wires devicegate: [Service] gives every port its adapter.
//
// Two packages stand beside it. config reads the settings, and commands is the
// command line. No other package imports adapters of more than one kind.
package bootstrap

import "github.com/devicegate/devicegate/bootstrap/config"

// Config is everything that [Service] is built from.
type Config = config.Config

// Load reads the configuration from environment variables; see [config.Load].
func Load(vars map[string]string) (Config, error) { return config.Load(vars) }
