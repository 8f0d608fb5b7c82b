// Package bootstrap wires devicegate: [Service] gives every port its adapter.
//
// Below it, config reads the settings, commands is the command line of operators,
// and clientcmd that of people who sign in. Adapters do not import one another,
// except for those that exist to be shared; see architecture_test.go.
package bootstrap

import "github.com/devicegate/devicegate/bootstrap/config"

// Config is everything that [Service] is built from.
type Config = config.Config

// Load reads the configuration from environment variables; see [config.Load].
func Load(vars map[string]string) (Config, error) { return config.Load(vars) }
