package porttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// holds makes s hold a ring; the store has one at most.
func (w *fixture) holds(s ports.Store, state spkeys.RingSnapshot) {
	w.t.Helper()
	ring, err := spkeys.RestoreRing(state)
	must(w.t, err)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error {
		err := tx.SPKeys().Add(ctx, ring, w.event())
		if errors.Is(err, spkeys.ErrExist) {
			err = tx.SPKeys().Save(ctx, ring, w.event())
		}
		return err
	})
}

func (w *fixture) wantRing(s ports.Store, want spkeys.RingSnapshot) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) error {
		ring, stale, err := r.SPKeys().Ring(ctx)
		must(w.t, err)
		if stale {
			w.t.Error("got stale keys, want keys of the secret that seals")
		}
		got := ring.Snapshot()
		for role, held := range map[spkeys.Role][2]spkeys.RingPair{spkeys.Active: {got.Active, want.Active}, spkeys.Next: {got.Next, want.Next}, spkeys.Previous: {got.Previous, want.Previous}} {
			if !held[0].Since.Equal(held[1].Since) || held[0].IsZero() != held[1].IsZero() || !held[0].IsZero() && !samePair(held[0].Pair, held[1].Pair) {
				w.t.Errorf("got another %s pair, want the one that was kept", role)
			}
		}
		return nil
	})
}

func storeSPKeys(t *testing.T, open func(t *testing.T) ports.Store) {
	pairs, err := somePairs()
	must(t, err)
	held := func(w *fixture, i int) spkeys.RingPair {
		return spkeys.RingPair{Pair: pairs[i], Since: w.now.Add(time.Duration(i) * time.Second)}
	}

	t.Run("each pair is kept with its role", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		for _, state := range []spkeys.RingSnapshot{
			{Active: held(w, 0)},
			{Active: held(w, 0), Next: held(w, 1)},
			{Active: held(w, 1), Previous: held(w, 0)},
			{Active: held(w, 1), Next: held(w, 2), Previous: held(w, 0)},
			{Active: held(w, 2)},
		} {
			w.holds(s, state)
			w.wantRing(s, state)
		}
	})

	t.Run("pairs that are there stay", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		w.holds(s, spkeys.RingSnapshot{Active: held(w, 0)})
		ring, made := spkeys.NewRing(pairs[1], "made", audit.WorkerOf("serve"), w.now)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.SPKeys().Add(ctx, ring, made), spkeys.ErrExist)
			return nil
		})
		seen(t, s, made, 0)
		w.wantRing(s, spkeys.RingSnapshot{Active: held(w, 0)})
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Save": func(w *fixture, s ports.Store) eventWrite {
			w.holds(s, spkeys.RingSnapshot{Active: held(w, 0)})
			ring, err := spkeys.RestoreRing(spkeys.RingSnapshot{Active: held(w, 1)})
			must(w.t, err)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.SPKeys().Save(ctx, ring, event)
			}
		},
	})
}
