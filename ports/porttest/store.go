// Package porttest holds each port's contract as a test suite. Every adapter
// runs the suite of its port, so that a fake that passes cannot drift from the
// real thing.
//
// The suites never assume an empty store and need no cleanup.
package porttest

import (
	"context"
	"errors"
	"testing"

	"github.com/devicegate/devicegate/ports"
)

// Store tests a [ports.Store]. Open returns a working store, empty or not; it
// is called once for each subtest.
func Store(t *testing.T, open func(t *testing.T) ports.Store) {
	for _, group := range []struct {
		name string
		run  func(t *testing.T, open func(t *testing.T) ports.Store)
	}{
		{"transactions", storeTransactions},
		{"authorizations", storeAuthorizations},
		{"sign-ins", storeSignIns},
		{"grants", storeGrants},
		{"tokens", storeTokens},
		{"races", storeRaces},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, open) })
	}
}

func storeTransactions(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("it is ready", func(t *testing.T) {
		if err := open(t).Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("a failed update leaves no trace and its error comes back as it is", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, started := w.started()
		refused := errors.New("refused")
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.AddAuthorization(ctx, a, started))
			must(t, tx.SpendAssertion(ctx, w.issuer, "burnt?", w.now.Add(hour)))
			return refused
		})
		if err != refused {
			t.Fatalf("got %v, want the very error that the function returned", err)
		}
		unknown(t, s, a.Snapshot().ID)
		must(t, spend(t, s, w.issuer, "burnt?", w.now.Add(hour)))
	})

	t.Run("a panic leaves no trace and goes on", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, started := w.started()
		func() {
			defer func() {
				if recover() != "stop" {
					t.Error("the panic was swallowed")
				}
			}()
			_ = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				must(t, tx.AddAuthorization(ctx, a, started))
				panic("stop")
			})
		}()
		unknown(t, s, a.Snapshot().ID)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { // nothing is left locked
			return tx.AddAuthorization(ctx, a, started)
		})
	})

	t.Run("whoever stops waiting is told so", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, started := w.started()
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.AddAuthorization(ctx, a, started))
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		unknown(t, s, a.Snapshot().ID)
		err = s.View(ctx, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorization(ctx, a.Snapshot().ID)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	})

	t.Run("an update sees its own writes", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, started := w.started()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.AddAuthorization(ctx, a, started))
			got, err := tx.Authorization(ctx, a.Snapshot().ID)
			must(t, err)
			equal(t, got.Snapshot(), a.Snapshot())
			return nil
		})
	})
}
