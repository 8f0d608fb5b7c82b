package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// worker starts a process that does the background work only.
func (w *fixture) worker() *process {
	w.t.Helper()
	p := &process{w: w, cmd: exec.Command(program(w.t), "worker")}
	p.cmd.Env = []string{"PATH=/usr/bin:/bin"}
	for name, value := range w.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stderr = w.logs
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.kill)
	w.eventually("the worker works", func() bool { return strings.Contains(w.logs.String(), `"working"`) })
	return p
}

func TestAWorkerStopsWhenItIsToldToAndNotByAHangup(t *testing.T) {
	w := productionWorld(t)
	p := w.worker()
	p.signal(syscall.SIGHUP)
	p.signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("got %v, want exit code 0\n%s", err, w.logs)
	}
}
