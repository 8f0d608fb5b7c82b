package database

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/ports"
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

// A process beside the one that serves leaves the file alone for as long as its
// transaction had it. Otherwise requests met a file that was locked at each of their
// attempts, for seconds.
func TestAProcessBesideAnotherLeavesTheFileAlone(t *testing.T) {
	for beside, want := range map[bool]time.Duration{true: 30 * time.Millisecond, false: 0} {
		synctest.Test(t, func(t *testing.T) {
			db, err := Open(Config{URL: "sqlite:" + inMemory})
			if err != nil {
				t.Fatal(err)
			}
			s := NewStore(db).Beside(beside)
			must := func(fn func(context.Context, ports.Tx) error) {
				if err := s.Update(t.Context(), fn); err != nil {
					t.Fatal(err)
				}
			}
			must(func(context.Context, ports.Tx) error {
				time.Sleep(30 * time.Millisecond)
				return nil
			})
			ended := time.Now()
			must(func(context.Context, ports.Tx) error { return nil })
			if got := time.Since(ended); got != want {
				t.Errorf("beside another %t: got a pause of %s, want %s", beside, got, want)
			}
			synctest.Wait()
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
