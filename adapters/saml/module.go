package saml

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides the [*Broker], and keeps its metadata fresh while the
// application runs.
var Module = fx.Module("saml", fx.Provide(start))

func start(lc fx.Lifecycle, cfg Config, keys ports.KeyStore, connections ports.Connections, clock ports.Clock, log *slog.Logger) (*Broker, error) {
	now, err := connections.Connections(context.Background())
	if err != nil {
		return nil, err
	}
	b, err := New(cfg, keys, now, clock, log)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				b.Run(running)
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
	return b, nil
}
