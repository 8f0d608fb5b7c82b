package commands

import (
	"context"
	"os/signal"
	"syscall"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/bootstrap"
)

type workerCommand struct {
	Schedule bool `default:"true" negatable:"" help:"Keep the schedule, too, if elected. Without it a devicegate scheduler has to run."`
}

// Run works until the process is told to stop.
func (w workerCommand) Run(ctx context.Context) error {
	if w.Schedule {
		return work(ctx, "working")
	}
	return work(ctx, "working, without the schedule", jobs.WithoutSchedule())
}

type schedulerCommand struct{}

// Run keeps the schedule until the process is told to stop.
func (schedulerCommand) Run(ctx context.Context) error {
	return work(ctx, "keeping the schedule if elected", jobs.ScheduleOnly())
}

func work(ctx context.Context, says string, parts ...jobs.Option) error {
	c, err := loadFromEnvironment()
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP) // the connections file is read again by itself
	outliveTheLog()
	log := newLog(c.LogLevel)
	app := fx.New(bootstrap.Worker(c, log, parts...), fx.StartTimeout(startTime), fx.StopTimeout(stopTime))
	if err := app.Err(); err != nil {
		return rootCause(err)
	}
	if err := start(ctx, app); err != nil {
		return unlessStopped(ctx, err)
	}
	log.InfoContext(ctx, says)
	<-ctx.Done()
	return stop(app)
}
