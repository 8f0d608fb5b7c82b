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

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// Store tests a [ports.Store]. Open returns a working store, empty or not; it
// is called once for each subtest.
func Store(t *testing.T, open func(t *testing.T) ports.Store) {
	for _, group := range []struct {
		name string
		run  func(t *testing.T, open func(t *testing.T) ports.Store)
	}{
		{"updates", storeUpdates},
		{"authorizations", storeAuthorizations},
		{"transactions", storeTransactions},
		{"grants", storeGrants},
		{"tokens", storeTokens},
		{"connections", storeConnections},
		{"metadata", storeMetadata},
		{"audit", storeAudit},
		{"audit seals", storeAuditSeals},
		{"audit deliveries", storeAuditDeliveries},
		{"clients", storeClients},
		{"ACS ledger", storeACSLedger},
		{"SP keys", storeSPKeys},
		{"incidents", storeIncidents},
		{"refused responses", storeRefusedResponses},
		{"shadows", storeShadows},
		{"jobs", storeJobs},
		{"notices", storeNotices},
		{"sweeps", storeSweeps},
		{"races", storeRaces},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, open) })
	}
}

func storeUpdates(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("it is ready", func(t *testing.T) {
		if err := open(t).Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("a failed update leaves no trace and its error comes back as it is", func(t *testing.T) {
		refused := errors.New("refused")
		for name, returned := range map[string]error{
			"an error":                       refused,
			"a commit joined with a failure": errors.Join(refused, ports.CommitWith(errors.New("outcome"))),
		} {
			t.Run(name, func(t *testing.T) {
				s, w := open(t), newFixture(t)
				a, started := w.started()
				err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
					must(t, tx.Authorizations().Add(ctx, a, started))
					must(t, tx.Transactions().SpendAssertion(ctx, w.issuer, "burnt?", w.now.Add(hour), w.event()))
					return returned
				})
				if err != returned {
					t.Fatalf("got %v, want the very error that the function returned", err)
				}
				unknown(t, s, a.Snapshot().ID)
				seen(t, s, started, 0)
				must(t, w.spend(s, w.issuer, "burnt?", w.now.Add(hour)))
			})
		}
	})

	t.Run("a refusal that commits keeps the writes and comes back", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, started := w.started()
		refused, event := errors.New("refused"), w.event()
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Authorizations().Add(ctx, a, started))
			must(t, tx.Audit().Record(ctx, event))
			return ports.CommitWith(refused)
		})
		if err != refused {
			t.Fatalf("got %v, want the very refusal", err)
		}
		equal(t, loaded(t, s, a.Snapshot().ID), a.Snapshot())
		seen(t, s, started, 1)
		seen(t, s, event, 1)
	})

	t.Run("a panic leaves no trace and goes on", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, started := w.started()
		func() {
			defer func() {
				if recover() != "stop" {
					t.Error("got no panic, want the one of the function")
				}
			}()
			_ = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				must(t, tx.Authorizations().Add(ctx, a, started))
				panic("stop")
			})
		}()
		unknown(t, s, a.Snapshot().ID)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { // nothing is left locked
			return tx.Authorizations().Add(ctx, a, started)
		})
	})

	t.Run("a cancelled call is told so", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, started := w.started()
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Authorizations().Add(ctx, a, started))
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		unknown(t, s, a.Snapshot().ID)
		err = s.View(ctx, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorizations().ByID(ctx, a.Snapshot().ID)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
	})

	t.Run("an update sees its own writes and events", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, started := w.started()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Authorizations().Add(ctx, a, started))
			got, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
			must(t, err)
			equal(t, got.Snapshot(), a.Snapshot())
			seenBy(ctx, t, tx.Audit(), started, 1)
			return nil
		})
	})

	t.Run("an event that causes several writes is kept once", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a := w.added(s)
		approved, err := w.approve(a)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Authorizations().Save(ctx, a, approved))
			must(t, tx.Audit().Record(ctx, approved))
			return tx.Authorizations().Save(ctx, a, approved)
		})
		seen(t, s, approved, 1)
	})
}

// keepsEvents tests that each write keeps the event that caused it, whole and
// once, and refuses to be done without one. A write is prepared outside of the
// transaction in which it is tested.
func keepsEvents(t *testing.T, open func(t *testing.T) ports.Store, writes map[string]func(w *fixture, s ports.Store) eventWrite) {
	for name, prepare := range writes {
		t.Run(name+" keeps its event", func(t *testing.T) { // F05
			s, w := open(t), newFixture(t)
			write, event := prepare(w, s), w.event()
			update(t, s, func(ctx context.Context, tx ports.Tx) error { return write(ctx, tx, event) })
			seen(t, s, event, 1)
		})
		t.Run(name+" needs an event", func(t *testing.T) {
			s, w := open(t), newFixture(t)
			write := prepare(w, s)
			err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return write(ctx, tx, audit.Event{}) })
			if err == nil {
				t.Error("got nil for a write without an event, want an error")
			}
		})
	}
}

type eventWrite func(ctx context.Context, tx ports.Tx, event audit.Event) error
