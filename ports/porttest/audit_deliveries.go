package porttest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeAuditDeliveries(t *testing.T, open func(t *testing.T) ports.Store) {
	// aSink is one of which no other test knows.
	aSink := func() audit.Sink { return audit.Sink("test-" + uid.New(time.Now()).String()) }
	park := func(t *testing.T, s ports.Store, all ...audit.Parked) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.AuditDeliveries().Park(ctx, all) })
	}

	t.Run("progress comes back whole", func(t *testing.T) {
		s, w, sink := open(t), newFixture(t), aSink()
		want := audit.Progress{
			Sink: sink, After: audit.Position{At: w.now, ID: uid.New(w.now)}, Holder: uid.New(w.now), LeaseUntil: w.now.Add(hour),
			FailingSince: w.now.Add(-hour), Failures: 3, NextAt: w.now.Add(time.Minute), LastError: "answered 500", DeliveredAt: w.now,
		}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			fresh, err := tx.AuditDeliveries().Lock(ctx, sink)
			must(t, err)
			if fresh != (audit.Progress{Sink: sink}) {
				t.Errorf("got %+v for a new sink, want its name only", fresh)
			}
			return tx.AuditDeliveries().Save(ctx, want)
		})
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			got, err := tx.AuditDeliveries().Lock(ctx, sink)
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			return err
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			all, err := r.AuditDeliveries().All(ctx)
			if !slices.Contains(all, want) {
				t.Errorf("got %+v, want %+v among them", all, want)
			}
			return err
		})
	})

	t.Run("of each stream the first one is due, and no dead one", func(t *testing.T) {
		s, w, sink := open(t), newFixture(t), aSink()
		parked := func(stream string, n int, due time.Duration, dead bool) audit.Parked {
			at := w.now.Add(time.Duration(n) * time.Second)
			return audit.Parked{Sink: sink, Event: audit.Position{At: at, ID: uid.New(at)}, Stream: stream, Attempts: n, NextAt: w.now.Add(due), Dead: dead, LastError: fmt.Sprint(n)}
		}
		a1, a2 := parked("a", 1, 0, false), parked("a", 2, 0, false)
		b1, b2 := parked("b", 1, time.Minute, false), parked("b", 2, 0, false)
		c1, c2 := parked("c", 1, 0, true), parked("c", 3, 0, false)
		park(t, s, c2, b2, a2, a1, b1, c1)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			due, err := r.AuditDeliveries().Due(ctx, sink, w.now, 10)
			must(t, err)
			if want := []audit.Parked{a1, c2}; !slices.Equal(due, want) {
				t.Errorf("got %+v, want %+v", due, want)
			}
			dead, err := r.AuditDeliveries().Dead(ctx, sink, 10)
			must(t, err)
			if want := []audit.Parked{c1}; !slices.Equal(dead, want) {
				t.Errorf("got %+v dead, want %+v", dead, want)
			}
			waiting, given, err := r.AuditDeliveries().Count(ctx, sink)
			if waiting != 5 || given != 1 {
				t.Errorf("got %d waiting and %d dead, want 5 and 1", waiting, given)
			}
			must(t, err)
			held, err := r.AuditDeliveries().Held(ctx, sink, []string{"a", "none"})
			if !slices.Equal(held, []string{"a"}) {
				t.Errorf("got %v, want a", held)
			}
			return err
		})
		a1.Dead, a1.Attempts, a1.LastError = true, 9, "given up"
		elsewhere := c2
		elsewhere.Sink = aSink()
		park(t, s, a1, elsewhere)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			return tx.AuditDeliveries().Unpark(ctx, sink, []uid.ID{c2.Event.ID})
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			due, err := r.AuditDeliveries().Due(ctx, sink, w.now, 10)
			if want := []audit.Parked{a2}; !slices.Equal(due, want) {
				t.Errorf("got %+v, want %+v", due, want)
			}
			must(t, err)
			dead, err := r.AuditDeliveries().Dead(ctx, sink, 10)
			if !slices.Contains(dead, a1) {
				t.Errorf("got %+v dead, want %+v among them", dead, a1)
			}
			must(t, err)
			due, err = r.AuditDeliveries().Due(ctx, elsewhere.Sink, w.now, 10)
			if want := []audit.Parked{elsewhere}; !slices.Equal(due, want) {
				t.Errorf("got %+v of another sink, want %+v", due, want)
			}
			return err
		})
	})

	t.Run("the events of a removed day go, and those without a link stay", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		day := audit.DayOf(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(time.Now().UnixNano()%2_000_000)))
		at := day.Begins()
		linked, second, third, added, removal := w.event(), w.event(), w.event(), w.event(), w.event()
		for i, e := range []*audit.Event{&linked, &second, &third, &added} {
			e.At, e.ID = at.Add(time.Duration(i)*time.Second), uid.New(at)
		}
		remove := func(limit, want int) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx ports.Tx) error {
				n, err := tx.AuditSeals().DeleteEvents(ctx, day, limit)
				if n != want {
					t.Errorf("got %d events deleted, want %d", n, want)
				}
				return err
			})
		}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			var links []audit.Link
			for i, e := range []audit.Event{linked, second, third} {
				must(t, tx.Audit().Record(ctx, e))
				links = append(links, audit.Link{Day: day, Number: int64(i + 1), Event: e.Position(), Chain: audit.BeginDay(day, audit.Chain{})})
			}
			must(t, tx.Audit().Record(ctx, added))
			must(t, tx.AuditSeals().AddLinks(ctx, links))
			return tx.AuditSeals().AddSeal(ctx, audit.Seal{Day: day, Events: 3, SealedAt: at})
		})
		park(t, s, audit.Parked{Sink: aSink(), Event: second.Position(), Stream: "s", Attempts: 1})
		remove(10, 0) // it is not marked
		for range 2 {
			update(t, s, func(ctx context.Context, tx ports.Tx) error {
				return tx.AuditSeals().MarkRemoved(ctx, day, at.Add(hour), removal)
			})
		}
		seen(t, s, removal, 1)
		remove(2, 2)
		seen(t, s, linked, 0)
		seen(t, s, second, 0)
		seen(t, s, third, 1)
		remove(2, 1)
		remove(2, 0)
		seen(t, s, third, 0)
		seen(t, s, added, 1)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			seals, err := r.AuditSeals().Seals(ctx, audit.DayOf(at.AddDate(0, 0, -1)))
			if len(seals) == 0 || !seals[0].RemovedAt.Equal(at.Add(hour)) {
				t.Errorf("got %+v, want the seal with its removal", seals)
			}
			return err
		})
	})
}
