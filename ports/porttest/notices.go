package porttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeNotices(t *testing.T, open func(t *testing.T) ports.Store) {
	claim := func(t *testing.T, s ports.Store, device secret.Digest, e audit.Event, after time.Duration) (claimed bool) {
		t.Helper()
		e.At = e.At.Add(after)
		e.ID = uid.New(e.At)
		update(t, s, func(ctx context.Context, tx ports.Tx) (err error) {
			claimed, err = tx.Notices().Claim(ctx, device, e)
			return err
		})
		return claimed
	}

	t.Run("a device is claimed once in an interval", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		device := random()
		for _, c := range []struct {
			after time.Duration
			want  bool
		}{
			{0, true},
			{time.Second, false},
			{notice.Interval - time.Microsecond, false},
			{notice.Interval, true}, // measured from the last one that was claimed
			{notice.Interval + time.Minute, false},
		} {
			if got := claim(t, s, device, w.event(), c.after); got != c.want {
				t.Errorf("after %s: got %t, want %t", c.after, got, c.want)
			}
		}
		if !claim(t, s, random(), w.event(), time.Second) {
			t.Error("got false for another device, want true")
		}
	})

	t.Run("of many claims at once one is true", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		device, e := random(), w.event()
		var mu sync.Mutex
		var wg sync.WaitGroup
		claimed := 0
		for range 4 {
			wg.Go(func() {
				own := e
				own.ID = uid.New(e.At)
				err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
					first, err := tx.Notices().Claim(ctx, device, own)
					mu.Lock()
					defer mu.Unlock()
					if first {
						claimed++
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if claimed != 1 {
			t.Errorf("got %d claims, want 1", claimed)
		}
	})

	t.Run("what is over is deleted", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		device, e := random(), w.event()
		claim(t, s, device, e, 0)
		remove := func(before time.Time) (n int) {
			update(t, s, func(ctx context.Context, tx ports.Tx) (err error) {
				n, err = tx.Notices().DeleteExpired(ctx, before, 1000)
				return err
			})
			return n
		}
		remove(e.At.Add(notice.Interval)) // not after its end
		if claim(t, s, device, e, time.Second) {
			t.Error("got true before the interval is over, want false")
		}
		if n := remove(e.At.Add(notice.Interval + time.Microsecond)); n == 0 {
			t.Error("got nothing deleted, want the claim")
		}
		if !claim(t, s, device, e, 2*time.Second) {
			t.Error("got false after it was deleted, want true")
		}
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Claim": func(*fixture, ports.Store) eventWrite {
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				_, err := tx.Notices().Claim(ctx, random(), event)
				return err
			}
		},
	})
}
