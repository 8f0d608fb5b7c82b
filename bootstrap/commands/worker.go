package commands

import (
	"context"
	"os/signal"
	"syscall"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/bootstrap"
)

type workerCommand struct{}

// Run works until the process is told to stop.
func (workerCommand) Run(ctx context.Context) error {
	c, err := loadFromEnvironment()
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP) // the connections file is read again by itself
	log := newLog(c.LogLevel)
	app := fx.New(bootstrap.Worker(c, log), fx.StartTimeout(startTime), fx.StopTimeout(stopTime))
	if err := app.Err(); err != nil {
		return rootCause(err)
	}
	if err := start(ctx, app); err != nil {
		return err
	}
	log.InfoContext(ctx, "working")
	<-ctx.Done()
	return stop(app)
}
