package porttest

import (
	"testing"
	"time"
)

// Eventually waits for a condition that something else brings about. It fails the
// test if that takes too long.
func Eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	const timeout = 20 * time.Second
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(timeout); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("got nothing within %s, want: %s", timeout, what)
		}
	}
}
