package commands

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAStopDuringTheStartIsNoFailure: the service manager would show the unit as failed.
func TestAStopDuringTheStartIsNoFailure(t *testing.T) {
	settle(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(signalled{syscall.SIGTERM})
	for name, run := range map[string]func(context.Context) error{
		"serve": serveCommand{}.Run, "worker": workerCommand{Schedule: true}.Run, "scheduler": schedulerCommand{}.Run,
	} {
		if err := run(ctx); err != nil {
			t.Errorf("%s: got %v, want nil", name, err)
		}
	}
	t.Setenv("DATABASE_URL", "sqlite:"+filepath.ToSlash(t.TempDir()))
	if err := (workerCommand{}).Run(t.Context()); err == nil {
		t.Error("a start that fails: got nil, want an error")
	}
}
