package scenarios

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
)

var (
	long = flag.Bool("long", false, "play the scenarios at length")
	rate = flag.Int("rate", 200, "with -long: requests a second of the rolling restart")

	logins = flag.Int("logins", 0, "how many logins pass through PostgreSQL, a tenth of them through SQLite; 0: some")
)

func TestMain(m *testing.M) {
	code := services.Main(m)
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

var (
	buildOnce sync.Once
	buildDir  string
	buildErr  error
)

// program builds devicegate once and returns where it is.
func program(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		if buildDir, buildErr = os.MkdirTemp("", "devicegate-scenarios-"); buildErr != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(buildDir, "devicegate"), "../..")
		build.Stderr = os.Stderr
		buildErr = build.Run()
	})
	if buildErr != nil {
		t.Fatalf("build the program: %v", buildErr)
	}
	return filepath.Join(buildDir, "devicegate")
}

// lost collects what a scenario lost, by kind.
type lost struct {
	mu    sync.Mutex
	kinds map[string]int
}

func (l *lost) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kinds == nil {
		l.kinds = map[string]int{}
	}
	l.kinds[fmt.Sprintf(format, args...)]++
}

// Write counts a line of a log as lost.
func (l *lost) Write(line []byte) (int, error) {
	l.add("%s", bytes.TrimSpace(line))
	return len(line), nil
}

// outcome prints what was lost, and fails the test unless it is nothing.
func (l *lost) outcome(t *testing.T, format string, args ...any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kinds) == 0 {
		t.Logf("lost: nothing (%s)", fmt.Sprintf(format, args...))
		return
	}
	for kind, n := range l.kinds {
		t.Errorf("lost: %d × %s, want nothing lost", n, kind)
	}
	t.Logf("measured: %s", fmt.Sprintf(format, args...))
}

// either is the first value with -long, else the second.
func either[T any](atLength, short T) T {
	if *long {
		return atLength
	}
	return short
}

// within asks until the answer is yes, and returns how long that took.
func within(t *testing.T, most time.Duration, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(most)
	for !is() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		}
	}
	return time.Since(began).Round(100 * time.Millisecond)
}
