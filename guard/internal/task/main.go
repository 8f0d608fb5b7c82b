// Command task lets "go tool task" work in the folders of this module, too: it runs
// that of the module around it. A tool of a module is none of those that import it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	module, err := exec.CommandContext(context.Background(), "go", "env", "GOMOD").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "task: go env GOMOD:", err)
		os.Exit(1)
	}
	around := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "..")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // the terminal sends that to Task itself
	task := exec.CommandContext(ctx, "go", append([]string{"-C", around, "tool", "task"}, os.Args[1:]...)...)
	task.Stdin, task.Stdout, task.Stderr = os.Stdin, os.Stdout, os.Stderr
	task.Cancel = func() error { return task.Process.Signal(syscall.SIGTERM) }
	err = task.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "task:", err)
		os.Exit(1)
	}
}
