package database

import (
	"context"
	"testing"
	"testing/synctest"
)

// An Update whose context ends as it gets the write lock takes it: nothing else would
// pass it on.
func TestAWriteLockGivenToACancelledUpdateIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriters()
		if g, err := w.wait(t.Context(), false); g != nil || err != nil {
			t.Fatalf("got %v and %v, want the turn", g, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		open := &group{}
		answered := false
		go func() {
			g, err := w.wait(ctx, false)
			if answered = true; g != open || err != nil {
				t.Errorf("got %v and %v, want the turn and the transaction", g, err)
			}
		}()
		synctest.Wait()
		w.mu.Lock()
		cancel() // it no longer waits for the turn, but has not left the queue
		w.next(open)
		w.mu.Unlock()
		synctest.Wait()
		if !answered || !w.busy {
			t.Errorf("got answered %t and busy %t, want both", answered, w.busy)
		}
	})
}
