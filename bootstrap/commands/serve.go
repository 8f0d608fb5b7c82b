package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/setting"
)

type serveCommand struct {
	WithWorker *bool `negatable:"" help:"Do the background work in this process, too, or leave it to devicegate worker. Instead of WITH_WORKER."`
}

const (
	// startTime leaves room for another replica's migration.
	startTime = 5 * time.Minute
	// stopTime is how long requests in flight may take at the end. Together with
	// the default SHUTDOWN_DELAY it fits into the 30 s that Kubernetes gives.
	stopTime = 15 * time.Second
)

// Run serves until the process is told to stop.
func (s serveCommand) Run(ctx context.Context) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // which would end the process
	defer signal.Stop(hangups)
	outliveTheLog()
	c, err := loadFromEnvironment()
	if err != nil {
		return err
	}
	if s.WithWorker != nil {
		c.WithWorker = *s.WithWorker
	}
	var server *bootstrap.Server
	app := fx.New(bootstrap.Service(c, newLog(c.LogLevel)), fx.Populate(&server), fx.StartTimeout(startTime), fx.StopTimeout(stopTime))
	if err := app.Err(); err != nil {
		return rootCause(err)
	}
	if err := start(ctx, app); err != nil {
		return unlessStopped(ctx, err)
	}
	err = untilStopped(ctx, hangups, server)
	if err == nil && !wasInterrupted(ctx) {
		err = drain(server, c.ShutdownDelay)
	}
	return errors.Join(err, stop(app))
}

func start(ctx context.Context, app *fx.App) error {
	ctx, cancel := context.WithTimeout(ctx, app.StartTimeout())
	defer cancel()
	if err := app.Start(ctx); err != nil {
		err = rootCause(err)
		if errors.As(err, new(setting.Problem)) {
			return configError{err}
		}
		return err
	}
	return nil
}

// unlessStopped is the error of a start: none if it ended because the process was told
// to stop.
func unlessStopped(ctx context.Context, err error) error {
	if _, is := context.Cause(ctx).(signalled); is {
		return nil
	}
	return err
}

func stop(app *fx.App) error {
	ctx, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	if err := app.Stop(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

var errEnded = errors.New("the server ended by itself; see the log")

// untilStopped returns when ctx ends or a server has ended by itself. It reloads on
// SIGHUP meanwhile.
func untilStopped(ctx context.Context, hangups <-chan os.Signal, server *bootstrap.Server) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-server.Failed():
			return errEnded
		case <-hangups:
			server.Reload(ctx)
		}
	}
}

// drain lets load balancers see that this replica goes away. It is not part of
// stopping, so that a start that fails does not wait for it.
func drain(server *bootstrap.Server, delay time.Duration) error {
	server.Drain()
	select {
	case <-time.After(delay):
		return nil
	case <-server.Failed():
		return errEnded
	}
}
