package porttest

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeAuditSeals(t *testing.T, open func(t *testing.T) ports.Store) {
	// aDay is one of which no other test knows.
	aDay := func() audit.Day {
		return audit.DayOf(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rand.IntN(2_000_000)))
	}
	links := func(day audit.Day, n int) (all []audit.Link) {
		chain := audit.BeginDay(day, audit.Chain{})
		for i := range n {
			at := day.Begins().Add(time.Duration(i) * time.Microsecond)
			all = append(all, audit.Link{Day: day, Number: int64(i + 1), Event: audit.Position{At: at, ID: uid.New(at)}, Chain: chain})
		}
		return all
	}

	t.Run("links come back in order, and only once", func(t *testing.T) {
		s, day := open(t), aDay()
		all := links(day, 3)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			if last, err := tx.AuditSeals().LastLink(ctx, day); err != nil || last != (audit.Link{}) {
				t.Errorf("got %+v, %v, want no link", last, err)
			}
			must(t, tx.AuditSeals().AddLinks(ctx, nil))
			return tx.AuditSeals().AddLinks(ctx, all)
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.AuditSeals().Links(ctx, day, 1)
			if err != nil || !reflect.DeepEqual(got, all[1:]) {
				t.Errorf("got %+v, %v, want %+v", got, err, all[1:])
			}
			last, err := r.AuditSeals().LastLink(ctx, day)
			if err != nil || last != all[2] {
				t.Errorf("got %+v, %v, want %+v", last, err, all[2])
			}
			return nil
		})
		again := links(aDay(), 1)
		again[0].Event.ID = all[0].Event.ID
		for _, twice := range [][]audit.Link{all[2:], again} {
			if s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.AuditSeals().AddLinks(ctx, twice) }) == nil {
				t.Errorf("got no error for %+v added twice, want one", twice)
			}
		}
	})

	t.Run("the first day that has links", func(t *testing.T) {
		s, day := open(t), audit.DayOf(time.Date(100, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rand.IntN(300_000)))
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.AuditSeals().AddLinks(ctx, links(day, 1)) })
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			first, err := r.AuditSeals().FirstLinkedDay(ctx)
			must(t, err)
			if first == "" || first > day {
				t.Errorf("got %q, want %s or a day before it", first, day)
			}
			if of, err := r.AuditSeals().Links(ctx, first, 0); len(of) == 0 || err != nil {
				t.Errorf("got %+v, %v, want the links of %s", of, err, first)
			}
			return nil
		})
	})

	t.Run("seals come back in order, and only once", func(t *testing.T) {
		s, day, w := open(t), aDay(), newFixture(t)
		seal := audit.Seal{Day: day, Events: 7, Before: audit.BeginDay(day, audit.Chain{}), Head: audit.BeginDay(day.Next(), audit.Chain{}), SealedAt: w.now}
		next := audit.Seal{Day: day.Next(), Before: seal.Head, SealedAt: w.now}
		add := func(seal audit.Seal) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.AuditSeals().AddSeal(ctx, seal) })
		}
		must(t, add(next))
		must(t, add(seal))
		if add(seal) == nil {
			t.Error("got no error for a day sealed twice, want one")
		}
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.AuditSeals().Seals(ctx, audit.DayOf(day.Begins().AddDate(0, 0, -1)))
			if err != nil || len(got) < 2 || !reflect.DeepEqual(got[:2], []audit.Seal{seal, next}) {
				t.Errorf("got %+v, %v, want both, in order", got, err)
			}
			last, err := r.AuditSeals().LastSeal(ctx)
			if err != nil || last.Day < next.Day {
				t.Errorf("got %+v, %v, want the newest", last, err)
			}
			return nil
		})
	})
}
