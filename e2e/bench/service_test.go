package bench

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/bootstrap"
)

// runService is the service itself, as `devicegate serve` runs it.
func runService() error {
	vars := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	c, err := bootstrap.Load(vars)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	app := fx.New(bootstrap.Service(c, log))
	start, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := app.Start(start); err != nil {
		return err
	}
	if err := serveControl(); err != nil {
		return err
	}
	untilAbandoned()
	stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return app.Stop(stop)
}
