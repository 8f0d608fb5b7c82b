package database

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/deadline"
)

// The driver ends a read by its context, unless SQLite ends it as early.
func TestReadsAreWatchedWhereTheyCouldOutlastTheirLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := func(name string, ctx context.Context, want bool) {
			t.Helper()
			if got := unwatched(ctx).Done() != nil; got != want {
				t.Errorf("%s: got watched %t, want %t", name, got, want)
			}
		}
		limited, _ := deadline.NewLimit(defaultOpTimeout).Context(t.Context())
		check("a call that can be cancelled", limited, true)

		type key struct{}
		caller := context.WithValue(context.Background(), key{}, "value")
		limited, _ = deadline.NewLimit(defaultOpTimeout).Context(caller)
		check("a call with the whole of its time left", limited, false)
		if got := unwatched(limited).Value(key{}); got != "value" {
			t.Errorf("got the value %v, want that of the caller's context", got)
		}
		limit, _ := limited.Deadline()
		time.Sleep(time.Until(limit) - busyTimeout + time.Millisecond)
		check("the same after a wait", limited, true)

		limited, _ = deadline.NewLimit(busyTimeout / 2).Context(caller)
		check("a call with a shorter limit", limited, true)
	})
}
