package systemtest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
)

var (
	buildOnce sync.Once
	buildPath string
	buildErr  error
)

// Program builds devicegate once in each test binary and returns where it is.
func Program(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		dir, err := os.MkdirTemp("", "devicegate-e2e-")
		if err != nil {
			buildErr = err
			return
		}
		services.AtEnd(func() { _ = os.RemoveAll(dir) })
		buildPath = filepath.Join(dir, "devicegate")
		build := exec.Command("go", "build", "-o", buildPath, "github.com/devicegate/devicegate")
		build.Stderr = os.Stderr
		buildErr = build.Run()
	})
	if buildErr != nil {
		t.Fatalf("build the program: %v", buildErr)
	}
	return buildPath
}

// Process is the program itself, as an operator runs it.
type Process struct {
	t   testing.TB
	Cmd *exec.Cmd
}

// Command is one that runs the program with the system's settings, some of them
// changed.
func (s *System) Command(change map[string]string, arguments ...string) *exec.Cmd {
	s.t.Helper()
	env := maps.Clone(s.Env)
	maps.Copy(env, change)
	cmd := exec.Command(Program(s.t), arguments...)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = s.Logs
	return cmd
}

// Run starts a process that ends with the test.
func (s *System) Run(change map[string]string, arguments ...string) *Process {
	s.t.Helper()
	p := &Process{s.t, s.Command(change, arguments...)}
	if err := p.Cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Kill)
	return p
}

// Serve starts a process that listens at an address, and waits until it is ready.
func (s *System) Serve(address string) *Process {
	s.t.Helper()
	p := s.Run(map[string]string{"LISTEN_ADDR": address}, "serve")
	Within(s.t, time.Minute, "the process is ready", func() bool { return Status("http://"+address+"/readyz") == 200 })
	return p
}

// Signal sends it a signal.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Kill ends it without a chance to finish anything.
func (p *Process) Kill() {
	if p.Cmd.ProcessState == nil {
		_ = p.Cmd.Process.Kill()
		_ = p.Cmd.Wait()
	}
}

// Stop ends it as an operator does.
func (p *Process) Stop() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	if err := p.Cmd.Wait(); err != nil {
		p.t.Errorf("stop: got %v, want exit code 0", err)
	}
}
