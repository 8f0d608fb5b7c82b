// Package lifecycle runs what adapters do in the background while the application
// runs. The module.go files of adapters share it.
package lifecycle

import (
	"context"

	"go.uber.org/fx"
)

// WhileRunning calls run when the application starts, and ends it with the
// application.
func WhileRunning(run func(context.Context)) fx.Hook {
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	return fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				run(running)
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
	}
}
