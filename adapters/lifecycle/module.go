// Package lifecycle runs what happens in the background while the application runs:
// hooks that start a goroutine with it and wait for its end. The module.go files of
// adapters and package bootstrap share it.
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

// AfterOpening calls open while the application starts, and then run as
// [WhileRunning] does. An error of open stops the start.
func AfterOpening(open func(context.Context) error, run func(context.Context)) fx.Hook {
	running := WhileRunning(run)
	return fx.Hook{
		OnStart: func(ctx context.Context) error {
			if err := open(ctx); err != nil {
				return err
			}
			return running.OnStart(ctx)
		},
		OnStop: running.OnStop,
	}
}
