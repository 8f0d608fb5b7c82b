package redis

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides [ports.PollThrottle], [ports.Limiter] and the [Connection] whose
// readiness can be asked for.
var Module = fx.Module("redis",
	fx.Provide(open),
	fx.Provide(fx.Annotate(NewPollThrottle, fx.As(new(ports.PollThrottle)))),
	fx.Provide(fx.Annotate(NewLimiter, fx.As(new(ports.Limiter)))),
)

func open(lc fx.Lifecycle, cfg Config, log *slog.Logger) (*Connection, error) {
	c, err := Open(cfg, log)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(func(context.Context) error {
		c.Close()
		return nil
	}))
	return c, nil
}
