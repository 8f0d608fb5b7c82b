package bootstrap

import (
	"context"
	"errors"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/setting"
)

// requireClosable refuses to start without the legacy mount while connections need
// its callback. force-off overrules that, and the audit says so.
func requireClosable(lc fx.Lifecycle, c Config, uc *application.CloseLegacyACS) {
	if c.HTTP.LegacyRoutes {
		return
	}
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		err := uc.Execute(ctx, application.Closing{
			Forced: c.ForceLegacyOff, DryRun: !c.ForceLegacyOff,
			By: audit.Actor{Kind: audit.Admin, Name: "LEGACY_ROUTES"},
		})
		var needed application.LegacyNeededError
		if errors.As(err, &needed) {
			return setting.Wrong("LEGACY_ROUTES", "cannot be off, %v\nMove them first (devicegate migration status), or overrule it with force-off; their sign-ins may fail then", needed)
		}
		return err
	}))
}
