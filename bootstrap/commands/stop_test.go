package commands

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// TestTheReaderOfTheLogMayEnd runs itself with a log that nothing reads.
func TestTheReaderOfTheLogMayEnd(t *testing.T) {
	const name = "TEST_PROCESS_WITHOUT_A_LOG"
	commands := map[string]func(context.Context) error{
		"serve": serveCommand{}.Run, "worker": workerCommand{Schedule: true}.Run, "scheduler": schedulerCommand{}.Run,
	}
	if run := commands[os.Getenv(name)]; run != nil {
		settle(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(signalled{syscall.SIGTERM})
		if err := run(ctx); err != nil {
			t.Errorf("got %v, want nil", err)
		}
		if _, err := os.Stderr.WriteString("a line\n"); err == nil {
			t.Error("got no error of the write, want that of a pipe without a reader")
		}
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGPIPE")
	}
	for command := range commands {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
		run.Env = append(os.Environ(), name+"="+command)
		run.Stderr = write
		_ = read.Close()
		out, err := run.Output()
		_ = write.Close()
		if err != nil {
			t.Errorf("%s: got %v\n%s, want exit code 0", command, err, out)
		}
	}
}
