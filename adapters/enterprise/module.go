package enterprise

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports"
)

// Module provides [*Broker] and [*Edition] for a [Config]. Bootstrap decides
// which of them the installation uses; an Edition that nothing uses asks nothing.
var Module = fx.Module("enterprise", fx.Provide(NewBroker, startEdition))

func startEdition(lc fx.Lifecycle, cfg Config, now ports.Clock, log *slog.Logger) (*Edition, error) {
	e, err := NewEdition(cfg, now, log)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				e.Run(running)
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
	return e, nil
}
