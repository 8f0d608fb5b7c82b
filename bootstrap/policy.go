package bootstrap

import (
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/ports"
)

// policyOf provides what approvals are judged by: POLICY_FILE, read again while the
// application runs, or what the environment says.
func policyOf(c Config) fx.Option {
	if c.PolicyFile.Path == "" {
		return fx.Provide(
			func() (*files.Policy, ports.Policies) { return nil, memory.NewPolicies(c.Policy) },
		)
	}
	return fx.Options(fx.Supply(c.PolicyFile), files.PolicyModule,
		fx.Provide(func(p *files.Policy) ports.Policies { return p }))
}
