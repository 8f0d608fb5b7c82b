package porttest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeTransactions(t *testing.T, open func(t *testing.T) ports.Store) {
	found := func(t *testing.T, s ports.Store, want approval.TransactionSnapshot) {
		t.Helper()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Transactions().ByRelayState(ctx, want.RelayState)
			must(t, err)
			equal(t, got.Snapshot(), want)
			if !want.Ticket.IsZero() {
				got, err = r.Transactions().ByTicket(ctx, want.Ticket)
				must(t, err)
				equal(t, got.Snapshot(), want)
			}
			return nil
		})
	}

	t.Run("found by its relay state and ticket after each move", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		transaction, _ := w.begun(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		w.begun(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		found(t, s, transaction.Snapshot())

		_, accepted, err := transaction.AcceptAssertion(approval.VerifiedAssertion{Subject: w.ann, ID: "a1"}, w.connection(), connection.Canonical, w.now, w.by)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			return tx.Transactions().Save(ctx, transaction, accepted)
		})
		found(t, s, transaction.Snapshot())
	})

	t.Run("the youngest of a browser for a code through a connection", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, browser := w.added(s), approval.BrowserBinding{}.OrNew()
		code := a.Snapshot().UserCode
		w.begun(s, a, browser, w.now)
		youngest, _ := w.begun(s, a, browser, w.now.Add(2*time.Microsecond))
		w.begun(s, a, browser, w.now.Add(time.Microsecond))
		w.begun(s, a, approval.BrowserBinding{}.OrNew(), w.now.Add(time.Second))
		w.begun(s, w.added(s), browser, w.now.Add(time.Second))
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Transactions().ByBrowser(ctx, browser.Digest(), code, "acme")
			must(t, err)
			equal(t, got.Snapshot(), youngest.Snapshot())
			_, err = r.Transactions().ByBrowser(ctx, browser.Digest(), code, "other")
			is(t, err, approval.ErrUnknownTransaction)
			return nil
		})
	})

	t.Run("those that a browser awaits, the youngest first", func(t *testing.T) { // contract 10.10
		s, w := open(t), newFixture(t)
		a, browser := w.added(s), approval.BrowserBinding{}.OrNew()
		older, signIn := w.begun(s, a, browser, w.now)
		younger, _ := w.begun(s, w.added(s), browser, w.now.Add(time.Second))
		answered, _ := w.begun(s, a, browser, w.now.Add(2*time.Second))
		_, accepted, err := answered.AcceptAssertion(approval.VerifiedAssertion{Subject: w.ann, ID: "a1"}, w.connection(), connection.Canonical, w.now, w.by)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			return tx.Transactions().Save(ctx, answered, accepted)
		})
		w.begun(s, a, approval.BrowserBinding{}.OrNew(), w.now)
		awaited := func(at time.Time, want ...*approval.Transaction) {
			t.Helper()
			view(t, s, func(ctx context.Context, r ports.Reader) error {
				got, err := r.Transactions().AwaitedBy(ctx, browser.Digest(), at)
				must(t, err)
				if len(got) != len(want) {
					t.Fatalf("got %d transactions, want %d", len(got), len(want))
				}
				for i := range want {
					equal(t, got[i].Snapshot(), want[i].Snapshot())
				}
				return nil
			})
		}
		awaited(w.now, younger, older)
		awaited(signIn.ExpiresAt.Add(-time.Microsecond), younger, older)
		awaited(signIn.ExpiresAt, younger)
		awaited(signIn.ExpiresAt.Add(hour))
	})

	t.Run("unknown is unknown", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a := w.added(s)
		never, _, started, err := approval.Begin(a, approval.Beginning{Via: w.connection(), Mount: connection.Legacy, Browser: approval.BrowserBinding{}.OrNew()}, w.now, w.by)
		must(t, err)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			_, err = r.Transactions().ByRelayState(ctx, random())
			is(t, err, approval.ErrUnknownTransaction)
			_, err = r.Transactions().ByTicket(ctx, random())
			is(t, err, approval.ErrUnknownTransaction)
			_, err = r.Transactions().ByTicket(ctx, secret.Digest{})
			is(t, err, approval.ErrUnknownTransaction)
			_, err = r.Transactions().ByBrowser(ctx, random(), a.Snapshot().UserCode, "acme")
			is(t, err, approval.ErrUnknownTransaction)
			return nil
		})
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Transactions().Save(ctx, never, started), approval.ErrUnknownTransaction)
			return nil
		})
		seen(t, s, started, 0)
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Add": func(w *fixture, s ports.Store) eventWrite {
			transaction, _, _, err := approval.Begin(w.added(s), approval.Beginning{Via: w.connection(), Mount: connection.Legacy, Browser: approval.BrowserBinding{}.OrNew()}, w.now, w.by)
			must(w.t, err)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Transactions().Add(ctx, transaction, event)
			}
		},
		"Save": func(w *fixture, s ports.Store) eventWrite {
			transaction, _ := w.begun(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Transactions().Save(ctx, transaction, event)
			}
		},
		"SpendAssertion": func(w *fixture, _ ports.Store) eventWrite {
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Transactions().SpendAssertion(ctx, w.issuer, "_1", w.now, event)
			}
		},
	})

	// states are those that a transaction can be in; the last has every field.
	states := func(begun approval.TransactionSnapshot, w *fixture) []approval.TransactionSnapshot {
		accepted := begun
		accepted.Subject, accepted.AcceptedOn, accepted.Ticket, accepted.TicketExpiresAt = w.ann, connection.Canonical, random(), w.now.Add(time.Minute)
		accepted.AcceptedFrom, accepted.SignedInAt = netip.MustParseAddr("203.0.113.9"), w.now.Add(-time.Second)
		completed := accepted
		completed.CompletedAt = w.now.Add(time.Second)
		managing := accepted
		managing.Purpose, managing.Authorization = approval.ManageDevices, uid.ID{}
		return []approval.TransactionSnapshot{begun, managing, accepted, completed}
	}

	t.Run("Add keeps every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		begun, _ := w.begun(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		all := states(begun.Snapshot(), w)
		noZero(t, all[len(all)-1])
		for _, want := range all {
			want.ID, want.RelayState = uid.New(w.now), random()
			if !want.Ticket.IsZero() {
				want.Ticket = random()
			}
			transaction, err := approval.RestoreTransaction(want)
			must(t, err)
			update(t, s, func(ctx context.Context, tx ports.Tx) error {
				return tx.Transactions().Add(ctx, transaction, w.event())
			})
			found(t, s, want)
		}
	})

	t.Run("Save keeps every field", func(t *testing.T) { // F07
		s, w := open(t), newFixture(t)
		possible := func(s approval.TransactionSnapshot) error { _, err := approval.RestoreTransaction(s); return err }
		begun, _ := w.begun(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		special := map[string]any{"ID": nil, "Authorization": w.added(s).Snapshot().ID}
		for _, change := range variants(t, w, possible, special, states(begun.Snapshot(), w)...) {
			transaction, err := approval.RestoreTransaction(change.snapshot)
			must(t, err)
			err = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				return tx.Transactions().Save(ctx, transaction, w.event())
			})
			if err != nil && change.cleared {
				continue
			}
			t.Run(change.field, func(t *testing.T) {
				must(t, err)
				found(t, s, change.snapshot)
			})
		}
	})

	t.Run("an assertion is spent once and each issuer has its own", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		must(t, w.spend(s, w.issuer, "_1", w.now))
		is(t, w.spend(s, w.issuer, "_1", w.now.Add(hour)), approval.ErrReplayed)
		must(t, w.spend(s, w.issuer, "_2", w.now))
		must(t, w.spend(s, w.issuer+"/other", "_1", w.now))
		must(t, w.spend(s, w.issuer+`" "x`, "y", w.now)) // a separator of ours proves nothing
		must(t, w.spend(s, w.issuer, `x" "y`, w.now))
		must(t, w.spend(s, w.issuer, longLabel+longLabel, w.now))
	})

	t.Run("a replay spoils nothing", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		refused, kept := w.event(), w.event()
		must(t, w.spend(s, w.issuer, "_1", w.now))
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Transactions().SpendAssertion(ctx, w.issuer, "_1", w.now, refused), approval.ErrReplayed)
			return tx.Audit().Record(ctx, kept)
		})
		seen(t, s, refused, 0)
		seen(t, s, kept, 1)
	})
}
