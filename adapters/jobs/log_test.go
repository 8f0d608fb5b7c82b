package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/devicegate/devicegate/internal/logtest"
)

// An orderly stop cancels what River is doing, which is no error.
func TestRiversLogIsQuietAboutWorkThatIsCutOff(t *testing.T) {
	stopped, stop := context.WithCancel(context.Background())
	stop()
	late, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	canceled := fmt.Errorf("insert: %w", context.Canceled)
	for name, c := range map[string]struct {
		ctx   context.Context
		level slog.Level
		err   any
		want  bool
	}{
		"an error":                          {context.Background(), slog.LevelError, errors.New("connection refused"), true},
		"a warning":                         {context.Background(), slog.LevelWarn, "slow", true},
		"an error after the time was up":    {late, slog.LevelError, context.DeadlineExceeded, true},
		"usual work":                        {context.Background(), slog.LevelInfo, "none", false},
		"an error while the worker stops":   {stopped, slog.LevelError, "context canceled", false},
		"a closed connection while it does": {stopped, slog.LevelError, "conn closed", false},
		"a cancelled statement, as text":    {context.Background(), slog.LevelError, canceled.Error(), false},
		"a cancelled statement, as value":   {context.Background(), slog.LevelError, canceled, false},
	} {
		t.Run(name, func(t *testing.T) {
			var out logtest.Log
			log := slog.New(riverLog{slog.NewJSONHandler(&out, nil)}).With("worker", 1).WithGroup("river")
			log.Log(c.ctx, c.level, "Client: a message", "queues", "default", "err", c.err)
			if got := out.String() != ""; got != c.want {
				t.Errorf("got logged %v, want %v: %s", got, c.want, out.String())
			}
		})
	}
}
