package porttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// slug names a connection that no other test has.
func (w *fixture) slug() string { return "c-" + uid.New(w.now).String() }

func (w *fixture) note(s ports.Store, what acsmove.Sighting) {
	w.t.Helper()
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.ACSLedger().Note(ctx, what, w.event()) })
}

func (w *fixture) ledger(s ports.Store, slug string) (found acsmove.Ledger) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) (err error) {
		found, err = r.ACSLedger().Ledger(ctx, slug)
		must(w.t, err)
		all, err := r.ACSLedger().Ledgers(ctx)
		if of, ok := all[slug]; ok && of != found {
			w.t.Errorf("among all ledgers:\n got %+v\nwant %+v", of, found)
		}
		return err
	})
	return found
}

// fullMove has every field that a failed test leaves.
func (w *fixture) fullMove() acsmove.Snapshot {
	return acsmove.Snapshot{
		Connection: w.slug(), MovedAt: w.now, MovedBy: "ops",
		Test: acsmove.TestSnapshot{
			ID: uid.New(w.now), Link: random(), Settings: random(), MadeBy: "ops", MadeAt: w.now, ExpiresAt: w.now.Add(hour),
			OpenedAt: w.now, Browser: random(), Transaction: uid.New(w.now),
			EndedAt: w.now.Add(time.Minute), Reason: "answered_on_legacy", Detail: "expected a, received b", Subject: w.ann,
		},
	}
}

func (w *fixture) movedAs(s ports.Store, state acsmove.Snapshot) {
	w.t.Helper()
	m, err := acsmove.Restore(state)
	must(w.t, err)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.ACSLedger().SaveMove(ctx, m, w.event()) })
}

func storeACSLedger(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("nothing is known of a connection that was never seen", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		slug := w.slug()
		equal(t, w.ledger(s, slug), acsmove.Ledger{Connection: slug, Move: acsmove.New(slug).Snapshot()})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			m, err := r.ACSLedger().Move(ctx, slug)
			must(t, err)
			equal(t, m.Snapshot(), acsmove.New(slug).Snapshot())
			_, err = r.ACSLedger().MoveByLink(ctx, random())
			is(t, err, acsmove.ErrUnknownTest)
			_, err = r.ACSLedger().MoveByLink(ctx, secret.Digest{})
			is(t, err, acsmove.ErrUnknownTest)
			_, err = r.ACSLedger().MoveByBrowser(ctx, random())
			is(t, err, acsmove.ErrUnknownTest)
			return nil
		})
	})

	t.Run("sightings add up", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		slug := w.slug()
		want := acsmove.Ledger{Connection: slug, Move: acsmove.New(slug).Snapshot()}
		for i := range 12 {
			for _, what := range []acsmove.Sighting{
				{Connection: slug, Mount: connection.Legacy, Kind: acsmove.Requested},
				{Connection: slug, Mount: connection.Legacy, Kind: acsmove.Succeeded},
				{Connection: slug, Mount: connection.Canonical, Kind: acsmove.Failed, Reason: "reason " + string(rune('a'+i))},
			} {
				what.At = w.now.Add(time.Duration(i) * time.Second)
				w.note(s, what)
				on := want.Traffic(what.Mount)
				*on = on.Add(what)
			}
		}
		w.note(s, acsmove.Sighting{Connection: w.slug(), Mount: connection.Legacy, Kind: acsmove.Requested, At: w.now})
		equal(t, w.ledger(s, slug), want)
	})

	t.Run("no sighting is lost when many are noted at once", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		slug := w.slug()
		const people, times = 4, 5
		var wg sync.WaitGroup
		for range people {
			wg.Go(func() {
				for range times {
					err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
						return tx.ACSLedger().Note(ctx, acsmove.Sighting{Connection: slug, Mount: connection.Canonical, Kind: acsmove.Succeeded, At: w.now}, w.event())
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := w.ledger(s, slug).Canonical.Succeeded; got != people*times {
			t.Errorf("got %d sign-ins, want %d", got, people*times)
		}
	})

	t.Run("a move is found by its connection, link and browser", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		first, second := w.fullMove(), w.fullMove()
		second.Test.Browser, second.Test.OpenedAt = first.Test.Browser, w.now.Add(time.Microsecond)
		w.movedAs(s, second)
		w.movedAs(s, first)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			m, err := r.ACSLedger().Move(ctx, first.Connection)
			must(t, err)
			equal(t, m.Snapshot(), first)
			m, err = r.ACSLedger().MoveByLink(ctx, second.Test.Link)
			must(t, err)
			equal(t, m.Snapshot(), second)
			m, err = r.ACSLedger().MoveByBrowser(ctx, first.Test.Browser)
			must(t, err)
			equal(t, m.Snapshot(), second)
			return nil
		})
		equal(t, w.ledger(s, first.Connection), acsmove.Ledger{Connection: first.Connection, Move: first})
	})

	t.Run("a forgotten connection is as if it was never seen", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		kept, gone := w.fullMove(), w.fullMove()
		for _, m := range []acsmove.Snapshot{kept, gone} {
			w.movedAs(s, m)
			w.note(s, acsmove.Sighting{Connection: m.Connection, Mount: connection.Legacy, Kind: acsmove.Succeeded, At: w.now})
		}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.ACSLedger().Forget(ctx, w.slug()))
			return tx.ACSLedger().Forget(ctx, gone.Connection)
		})
		equal(t, w.ledger(s, gone.Connection), acsmove.Ledger{Connection: gone.Connection, Move: acsmove.New(gone.Connection).Snapshot()})
		if got := w.ledger(s, kept.Connection); got.Move != kept || got.Legacy.Succeeded != 1 {
			t.Errorf("another connection: got %+v, want it unchanged", got)
		}
	})

	t.Run("SaveMove keeps every field", func(t *testing.T) { // F07
		s, w := open(t), newFixture(t)
		full := w.fullMove()
		passed := full
		passed.Test.Passed, passed.Test.Reason = true, ""
		unopened := acsmove.Snapshot{Connection: full.Connection, Test: full.Test}
		unopened.Test.OpenedAt, unopened.Test.Browser, unopened.Test.Transaction = time.Time{}, secret.Digest{}, uid.ID{}
		unopened.Test.EndedAt, unopened.Test.Reason, unopened.Test.Detail, unopened.Test.Subject = time.Time{}, "", "", identity.Subject{}
		possible := func(v acsmove.Snapshot) error { _, err := acsmove.Restore(v); return err }
		// Passed, and what comes and goes together, change from one state to another.
		special := map[string]any{"Connection": nil, "Test.Passed": nil}
		states := []acsmove.Snapshot{full, passed, unopened, {Connection: full.Connection}}
		for _, state := range states {
			w.movedAs(s, state)
			equal(t, w.ledger(s, state.Connection).Move, state)
		}
		for _, change := range variants(t, w, possible, special, full, passed) {
			w.movedAs(s, change.snapshot)
			if got := w.ledger(s, change.snapshot.Connection).Move; got != change.snapshot {
				t.Errorf("%s:\n got %+v\nwant %+v", change.field, got, change.snapshot)
			}
		}
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Note": func(w *fixture, _ ports.Store) eventWrite {
			slug := w.slug()
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.ACSLedger().Note(ctx, acsmove.Sighting{Connection: slug, Mount: connection.Legacy, Kind: acsmove.Requested, At: w.now}, event)
			}
		},
		"SaveMove": func(w *fixture, _ ports.Store) eventWrite {
			m, err := acsmove.Restore(w.fullMove())
			must(w.t, err)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.ACSLedger().SaveMove(ctx, m, event)
			}
		},
	})
}
