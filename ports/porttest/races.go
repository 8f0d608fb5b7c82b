package porttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// racers all begin at once, and each waits for linger between its read and its
// write, so that all can read before the first write unless the store locks.
// Without the wait, a store that locks nothing passes most runs.
const (
	racers = 4
	linger = 50 * time.Millisecond
)

// race runs fn for each racer and returns how each fared.
func race(fn func(i int) error) []error {
	errs := make([]error, racers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWon makes sure that one racer succeeded and the others got the error lost.
func oneWon(t *testing.T, errs []error, lost error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, lost):
			t.Errorf("got %v for one that lost, want %v", err, lost)
		}
	}
	if won != 1 {
		t.Errorf("got %d of %d that won, want 1", won, len(errs))
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func storeRaces(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("of many approvals at once one wins", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a := w.added(s).Snapshot()
		finders := []func(context.Context, ports.Reader) (*device.Authorization, error){
			func(ctx context.Context, r ports.Reader) (*device.Authorization, error) {
				return r.Authorizations().ByUserCode(ctx, a.UserCode)
			},
			func(ctx context.Context, r ports.Reader) (*device.Authorization, error) {
				return r.Authorizations().ByID(ctx, a.ID)
			},
			func(ctx context.Context, r ports.Reader) (*device.Authorization, error) {
				return r.Authorizations().ByCode(ctx, a.Code)
			},
		}
		oneWon(t, race(func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				mine, err := finders[i%len(finders)](ctx, readerOf{tx})
				if err != nil {
					return err
				}
				approved, err := w.approve(mine)
				if err != nil {
					return err
				}
				wait(ctx, linger)
				return tx.Authorizations().Save(ctx, mine, approved)
			})
		}), device.ErrNotPending)
	})

	t.Run("of many redemptions at once one wins", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a := w.added(s)
		approved, err := w.approve(a)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Save(ctx, a, approved) })
		of := w.device("laptop")

		oneWon(t, race(func(int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				mine, err := tx.Authorizations().ByCode(ctx, a.Snapshot().Code)
				if err != nil {
					return err
				}
				if err := mine.Redeem(w.now, w.by); err != nil {
					return err
				}
				wait(ctx, linger)
				issued, _, minted := token.Mint(token.Order{ID: mine.Snapshot().TokenID, Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(hour)}, w.now, w.by)
				if err := tx.Tokens().Add(ctx, issued, minted); err != nil {
					return err
				}
				return tx.Authorizations().Save(ctx, mine, minted)
			})
		}), device.ErrExpiredToken)
	})

	t.Run("of many repetitions at once one wins and the others are too early", func(t *testing.T) { // F58
		s, w := open(t), newFixture(t)
		a, of := w.added(s), w.device("laptop")
		approved, err := w.approve(a)
		must(t, err)
		issued, _, minted := token.Mint(token.Order{ID: a.Snapshot().TokenID, Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(hour)}, w.now, w.by)
		must(t, a.Redeem(w.now, w.by))
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Tokens().Add(ctx, issued, minted))
			return tx.Authorizations().Save(ctx, a, approved)
		})
		at := w.now.Add(device.StandardTiming.Gap())

		oneWon(t, race(func(int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				mine, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
				if err != nil {
					return err
				}
				lost, err := tx.Tokens().ByID(ctx, mine.Snapshot().TokenID)
				if err != nil {
					return err
				}
				if err := mine.Repeat(lost, device.StandardTiming, at, w.by); err != nil {
					return err
				}
				wait(ctx, linger)
				_, rotated, err := lost.Reissue(at, w.by)
				if err != nil {
					return err
				}
				if err := tx.Tokens().Save(ctx, lost, rotated); err != nil {
					return err
				}
				return tx.Authorizations().Save(ctx, mine, rotated)
			})
		}), device.ErrSlowDown)
	})

	for name, before := range map[string]int{"with a token before": 1, "with none before": 0} {
		for _, issuer := range []string{"an issuer", "no issuer"} {
			t.Run("a device never has two live tokens, "+name+", "+issuer, func(t *testing.T) {
				s, w := open(t), newFixture(t)
				of := w.device("laptop")
				if issuer == "no issuer" { // no unique key can help: it is not there
					of.Issuer, of.Label = "", secret.Random("", 9).Reveal()
				}
				for range before {
					w.minted(s, of, w.now)
				}
				minted := make([]uid.ID, racers)
				for _, err := range race(func(i int) error { return replace(t.Context(), s, w, of, &minted[i]) }) {
					must(t, err)
				}
				live := 0
				for _, id := range minted {
					var issued *token.AccessToken
					view(t, s, func(ctx context.Context, r ports.Reader) (err error) {
						issued, err = r.Tokens().ByID(ctx, id)
						return err
					})
					if issued.Valid(w.now) == nil {
						live++
					}
				}
				if live != 1 {
					t.Errorf("got %d live tokens, want 1", live)
				}
			})
		}
	}

	t.Run("of many uses of one assertion at once one wins", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		oneWon(t, race(func(int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				err := tx.Transactions().SpendAssertion(ctx, w.issuer, "_1", w.now, w.event())
				wait(ctx, linger)
				return err
			})
		}), approval.ErrReplayed)
	})

	t.Run("an assertion whose use failed can be used", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		failed := errors.New("failed")
		spent, outcome := make(chan struct{}), make(chan error)
		go func() {
			outcome <- s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				err := tx.Transactions().SpendAssertion(ctx, w.issuer, "_1", w.now, w.event())
				close(spent)
				wait(ctx, linger)
				return errors.Join(err, failed)
			})
		}()
		<-spent
		must(t, w.spend(s, w.issuer, "_1", w.now)) // waits for the other to fail
		is(t, <-outcome, failed)
	})

	t.Run("of many uses of one grant at once one wins", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		handle, keys := random(), approval.NewCSRFKeys([]byte("key"))
		g := w.granted(s, w.added(s), handle)
		oneWon(t, race(func(int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				grants, err := tx.Grants().BySession(ctx, handle)
				if err != nil {
					return err
				}
				spent, _, err := grants.Spend(approval.Approve, approval.Proof{CSRF: keys.Token(g)}, keys, approval.Terms{}, g.Snapshot().UserCode, w.now)
				if err != nil {
					return err
				}
				wait(ctx, linger)
				return tx.Grants().Save(ctx, spent, w.event())
			})
		}), approval.ErrConsumed)
	})

	t.Run("of many assertions for one transaction at once one is accepted", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		_, signIn := w.begun(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		oneWon(t, race(func(int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				mine, err := tx.Transactions().ByRelayState(ctx, signIn.RelayState.Digest())
				if err != nil {
					return err
				}
				if _, _, err := mine.AcceptAssertion(approval.VerifiedAssertion{Subject: w.ann, ID: "_1"}, w.connection(), "canonical", w.now, w.by); err != nil {
					return err
				}
				wait(ctx, linger)
				return tx.Transactions().Save(ctx, mine, w.event())
			})
		}), approval.ErrTransactionOver)
	})

	t.Run("of many users of one user code at once one wins", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		code := device.NewUserCode()
		oneWon(t, race(func(i int) error {
			a, started := w.started()
			twin := a.Snapshot()
			twin.UserCode = code
			a, err := device.Restore(twin)
			if err != nil {
				return err
			}
			if i%2 == 0 {
				return s.AddAuthorization(t.Context(), a, started)
			}
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				err := tx.Authorizations().Add(ctx, a, started)
				wait(ctx, linger)
				return err
			})
		}), ports.ErrUserCodeTaken)
	})

	t.Run("of many revocations at once one is recorded", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		of := w.device("laptop")
		issued, clear := w.minted(s, of, w.now)
		dead := errors.New("dead already")
		oneWon(t, race(func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				mine, err := tx.Tokens().ByID(ctx, issued.Snapshot().ID)
				if i%2 == 1 {
					mine, err = tx.Tokens().ByDigest(ctx, clear.Digest())
				}
				if errors.Is(err, token.ErrUnknown) {
					return dead
				}
				if err != nil {
					return err
				}
				revoked, changed := mine.Revoke("session_ended", audit.ClientOf("difyctl"), w.now, w.by)
				if !changed {
					return dead
				}
				wait(ctx, linger)
				return tx.Tokens().Save(ctx, mine, revoked)
			})
		}), dead)
	})
}

// replace mints a token for a device in the place of the one it has.
func replace(ctx context.Context, s ports.Store, w *fixture, of token.Device, id *uid.ID) error {
	return s.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		live, err := tx.Tokens().LiveOf(ctx, of)
		if err != nil && !errors.Is(err, token.ErrUnknown) {
			return err
		}
		wait(ctx, linger)
		if err == nil {
			var revoked audit.Event
			revoked, _ = live.Revoke("replaced", audit.ClientOf("difyctl"), w.now, w.by)
			if err := tx.Tokens().Save(ctx, live, revoked); err != nil {
				return err
			}
		}
		issued, _, minted := token.Mint(token.Order{ID: uid.New(w.now), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(hour)}, w.now, w.by)
		*id = issued.Snapshot().ID
		return tx.Tokens().Add(ctx, issued, minted)
	})
}
