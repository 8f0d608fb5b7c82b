package scenarios

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

var (
	long = flag.Bool("long", false, "play the scenarios at length")
	rate = flag.Int("rate", 200, "with -long: requests a second of the rolling restart")

	logins = flag.Int("logins", 0, "how many logins pass through PostgreSQL, a tenth of them through SQLite; 0: some")
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

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
