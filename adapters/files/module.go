package files

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides [ports.Connections] from a [Config], and reads the files again
// while the application runs.
var Module = fx.Module("files", fx.Provide(
	start,
	func(c *Connections) ports.Connections { return c },
))

func start(lc fx.Lifecycle, cfg Config, log *slog.Logger) (*Connections, error) {
	c, err := Open(cfg, log)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				c.Run(running)
			}()
			return nil
		},
		OnStop: func(ctx context.Context) error {
			stop()
			select {
			case <-done:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	return c, nil
}
