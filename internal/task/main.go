// Command task runs Task (https://taskfile.dev) from the module of tools, so that
// "go tool task" works in every folder and needs nothing installed:
//
//	go tool task            lists what there is
//	go tool task setup      prepares a new clone
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

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	module, err := exec.CommandContext(context.Background(), "go", "env", "GOMOD").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "task: go env GOMOD:", err)
		return 1
	}
	tools := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "tools", "go.mod")
	task := exec.CommandContext(context.Background(), "go", append([]string{"tool", "-modfile=" + tools, "task"}, args...)...)
	task.Stdin, task.Stdout, task.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := task.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "task:", err)
		return 1
	}
	go func() {
		for s := range signals {
			if s != os.Interrupt { // the terminal sends that to Task itself
				_ = task.Process.Signal(s)
			}
		}
	}()
	err = task.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "task:", err)
		return 1
	}
	return 0
}
