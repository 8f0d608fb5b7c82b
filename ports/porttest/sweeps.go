package porttest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// storeSweeps tests what is deleted when it has expired. Its rows are older than
// those of all other tests, which are not deleted therefore.
func storeSweeps(t *testing.T, open func(t *testing.T) ports.Store) {
	const instant = time.Microsecond

	// old is a fixture of many years ago, in a store that has nothing older.
	old := func(t *testing.T) (ports.Store, *fixture) {
		s, w := open(t), newFixture(t)
		w.now = w.now.AddDate(-10, 0, 0)
		deleted(t, s, all(w.now.AddDate(1, 0, 0)), nil)
		return s, w
	}

	t.Run("authorizations that expired and were not redeemed", func(t *testing.T) {
		s, w := old(t)
		pending, kept := w.expiring(s, device.Pending, w.now), w.expiring(s, device.Pending, w.now.Add(instant))
		approved, denied := w.expiring(s, device.Approved, w.now), w.expiring(s, device.Denied, w.now)
		redeemed := w.expiring(s, device.Redeemed, w.now)
		deleted(t, s, authorizations(w.now.Add(instant)), []int{3, 0})
		w.gone(s, pending, approved, denied)
		w.there(s, kept, redeemed)
	})

	t.Run("authorizations that something refers to stay until it is gone", func(t *testing.T) {
		s, w := old(t)
		granted, begun := w.added(s), w.added(s)
		w.granted(s, granted, random()) // expires five minutes later
		w.begun(s, begun, approval.BrowserBinding{}.OrNew(), w.now)
		before := granted.Snapshot().ExpiresAt.Add(instant)
		deleted(t, s, authorizations(before), []int{0})
		deleted(t, s, grants(before.Add(hour)), []int{1, 0})
		deleted(t, s, transactions(before.Add(hour)), []int{1, 0})
		deleted(t, s, authorizations(before), []int{2, 0})
	})

	t.Run("grants, SSO transactions and spent assertions", func(t *testing.T) {
		s, w := old(t)
		a := w.added(s)
		g := w.granted(s, a, random()).Snapshot()
		begun, _ := w.begun(s, a, approval.BrowserBinding{}.OrNew(), w.now)
		ends := begun.Snapshot().ExpiresAt
		must(t, w.spend(s, w.issuer, "_1", w.now))
		for name, c := range map[string]struct {
			delete func(before time.Time) remove
			end    time.Time
		}{
			"grants": {grants, g.ExpiresAt}, "transactions": {transactions, ends}, "assertions": {assertions, w.now},
		} {
			t.Run(name, func(t *testing.T) {
				deleted(t, s, c.delete(c.end), []int{0})
				deleted(t, s, c.delete(c.end.Add(instant)), []int{1, 0})
			})
		}
		must(t, w.spend(s, w.issuer, "_1", w.now)) // it is not known any more
	})

	t.Run("observations of long ago", func(t *testing.T) {
		s, w := old(t)
		first, kept := w.observation(w.now), w.observation(w.now.Add(instant))
		w.observed(s, first, kept, w.observation(w.now))
		before := func(at time.Time) remove {
			return func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
				return tx.Incidents().DeleteSeen(ctx, at, limit)
			}
		}
		deleted(t, s, before(w.now), []int{0})
		deleted(t, s, before(w.now.Add(instant)), []int{2, 0})
		w.saw(s, kept.Authorization, kept)
		w.saw(s, first.Authorization)
	})

	t.Run("no more than the limit at once", func(t *testing.T) {
		s, w := old(t)
		for range 5 {
			a := w.added(s)
			w.granted(s, a, random())
			w.begun(s, a, approval.BrowserBinding{}.OrNew(), w.now)
			must(t, w.spend(s, w.issuer, a.Snapshot().ID.String(), w.now))
		}
		before := w.now.Add(hour)
		for name, remove := range map[string]remove{"grants": grants(before), "transactions": transactions(before), "assertions": assertions(before)} {
			t.Run(name, func(t *testing.T) { limited(t, s, remove) })
		}
		t.Run("authorizations", func(t *testing.T) { limited(t, s, authorizations(before)) })
	})

	t.Run("a sweep that fails deletes nothing", func(t *testing.T) {
		s, w := old(t)
		a, refused := w.expiring(s, device.Pending, w.now), errors.New("refused")
		is(t, s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			n, err := tx.Authorizations().DeleteExpired(ctx, w.now.Add(hour), 10)
			if n != 1 {
				t.Errorf("got %d, want 1", n)
			}
			must(t, err)
			return refused
		}), refused)
		w.there(s, a)
	})

	t.Run("tokens that expired and are not revoked", func(t *testing.T) {
		s, w := old(t)
		expired, _ := w.minted(s, w.device("expired"), w.now)
		live, _ := w.minted(s, w.device("live"), w.now.Add(instant))
		revoked, _ := w.minted(s, w.device("revoked"), w.now)
		w.revoked(s, revoked, w.now)
		overdue := func(ctx context.Context, r ports.Reader) ([]uid.ID, error) {
			return r.Tokens().Overdue(ctx, expired.Snapshot().ExpiresAt, 1000)
		}
		w.finds(s, overdue, []uid.ID{expired.Snapshot().ID}, []uid.ID{live.Snapshot().ID, revoked.Snapshot().ID})
		w.atMost(s, 1, func(ctx context.Context, r ports.Reader) ([]uid.ID, error) {
			return r.Tokens().Overdue(ctx, w.now.Add(2*hour), 1)
		})
	})

	t.Run("those of many tokens that are kept, to be saved", func(t *testing.T) {
		s, w := old(t)
		first, _ := w.minted(s, w.device("first"), w.now)
		second, _ := w.minted(s, w.device("second"), w.now)
		want := []uid.ID{first.Snapshot().ID, second.Snapshot().ID}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			none, err := tx.Tokens().Lock(ctx, nil)
			if len(none) != 0 {
				t.Errorf("got %d tokens, want none", len(none))
			}
			must(t, err)
			locked, err := tx.Tokens().Lock(ctx, append([]uid.ID{uid.New(w.now)}, want...))
			var got []uid.ID
			for _, l := range locked {
				got = append(got, l.Snapshot().ID)
				event, _ := l.Revoke("test", audit.WorkerOf("test"), w.now, w.by)
				must(t, tx.Tokens().Save(ctx, l, event))
			}
			slices.SortFunc(got, func(a, b uid.ID) int { return strings.Compare(a.String(), b.String()) })
			if slices.SortFunc(want, func(a, b uid.ID) int { return strings.Compare(a.String(), b.String()) }); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			return err
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			for _, id := range want {
				got, err := r.Tokens().ByID(ctx, id)
				must(t, err)
				if !got.Snapshot().RevokedAt.Equal(w.now) || !got.Snapshot().Digest.IsZero() {
					t.Errorf("got %+v, want it revoked", got.Snapshot())
				}
			}
			return nil
		})
	})

	t.Run("tokens that ended", func(t *testing.T) {
		s, w := old(t)
		expired, clear := w.minted(s, w.device("expired"), w.now)
		ends := expired.Snapshot().ExpiresAt
		revoked, _ := w.minted(s, w.device("revoked"), w.now.Add(hour))
		w.revoked(s, revoked, ends)
		later, _ := w.minted(s, w.device("later"), w.now.Add(instant))
		late, _ := w.minted(s, w.device("revoked later"), w.now.Add(hour))
		w.revoked(s, late, ends.Add(instant))
		ended := func(ctx context.Context, r ports.Reader) ([]uid.ID, error) {
			return r.Tokens().Ended(ctx, ends.Add(instant), 1000)
		}
		gone := []uid.ID{expired.Snapshot().ID, revoked.Snapshot().ID}
		kept := []uid.ID{later.Snapshot().ID, late.Snapshot().ID}
		w.finds(s, ended, gone, kept)
		w.atMost(s, 1, func(ctx context.Context, r ports.Reader) ([]uid.ID, error) {
			return r.Tokens().Ended(ctx, ends.Add(hour), 1)
		})

		deleted(t, s, func(ctx context.Context, tx ports.Tx, _ int) (int, error) { return tx.Tokens().Delete(ctx, gone) }, []int{2, 0})
		deleted(t, s, func(ctx context.Context, tx ports.Tx, _ int) (int, error) { return tx.Tokens().Delete(ctx, nil) }, []int{0})
		w.finds(s, ended, nil, append(gone, kept...))
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Tokens().ByDigest(ctx, clear.Digest())
			is(t, err, token.ErrUnknown)
			_, err = r.Tokens().ByID(ctx, later.Snapshot().ID)
			return err
		})
	})

	t.Run("the scopes of a token go with it", func(t *testing.T) {
		s, w := old(t)
		order := token.Order{ID: uid.New(w.now), Device: w.device("scopes"), Subject: identity.ExternalSSO, Scopes: scope.Restore(scope.AppsRun), Lifetime: token.Lifetime(hour)}
		add := func() token.Snapshot {
			issued, _, minted := token.Mint(order, w.now, w.by)
			update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, issued, minted) })
			return issued.Snapshot()
		}
		add()
		deleted(t, s, func(ctx context.Context, tx ports.Tx, _ int) (int, error) {
			return tx.Tokens().Delete(ctx, []uid.ID{order.ID})
		}, []int{1})
		order.Scopes = scope.Set{} // the default, for which nothing is stored
		want := add()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Tokens().ByID(ctx, order.ID)
			must(t, err)
			equal(t, got.Snapshot(), want)
			return nil
		})
	})

	t.Run("authorizations whose token is gone", func(t *testing.T) {
		s, w := old(t)
		orphan, young := w.expiring(s, device.Redeemed, w.now), w.expiring(s, device.Redeemed, w.now.Add(instant))
		holding, approved := w.expiring(s, device.Redeemed, w.now), w.expiring(s, device.Approved, w.now)
		issued, _ := w.minted(s, w.device("holding"), w.now)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			a, err := tx.Authorizations().ByID(ctx, holding)
			must(t, err)
			snapshot := a.Snapshot()
			snapshot.TokenID = issued.Snapshot().ID
			a, err = device.Restore(snapshot)
			must(t, err)
			return tx.Authorizations().Save(ctx, a, w.event())
		})
		without := func(ctx context.Context, r ports.Reader) ([]uid.ID, error) {
			return r.Authorizations().RedeemedWithoutToken(ctx, w.now.Add(instant), 1000)
		}
		w.finds(s, without, []uid.ID{orphan}, []uid.ID{young, holding, approved})
		tokens := []uid.ID{uid.New(w.now)}
		for _, id := range []uid.ID{young, holding, approved} {
			tokens = append(tokens, loaded(t, s, id).TokenID)
		}
		redeemedFor := func(ids ...uid.ID) remove {
			return func(ctx context.Context, tx ports.Tx, _ int) (int, error) {
				return tx.Authorizations().DeleteRedeemedFor(ctx, ids, w.now.Add(instant))
			}
		}
		deleted(t, s, redeemedFor(), []int{0})
		deleted(t, s, redeemedFor(tokens...), []int{0})
		another := w.expiring(s, device.Redeemed, w.now)
		deleted(t, s, redeemedFor(append(tokens, loaded(t, s, another).TokenID)...), []int{1, 0})
		w.gone(s, another)
		deleted(t, s, func(ctx context.Context, tx ports.Tx, _ int) (int, error) {
			return tx.Authorizations().Delete(ctx, []uid.ID{orphan})
		}, []int{1, 0})
		w.gone(s, orphan)
		w.there(s, young, holding, approved)
	})
}

// remove deletes up to limit rows.
type remove = func(ctx context.Context, tx ports.Tx, limit int) (int, error)

func authorizations(before time.Time) remove {
	return func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
		return tx.Authorizations().DeleteExpired(ctx, before, limit)
	}
}

func grants(before time.Time) remove {
	return func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
		return tx.Grants().DeleteExpired(ctx, before, limit)
	}
}

func transactions(before time.Time) remove {
	return func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
		return tx.Transactions().DeleteExpired(ctx, before, limit)
	}
}

func assertions(before time.Time) remove {
	return func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
		return tx.Transactions().DeleteSpent(ctx, before, limit)
	}
}

// all deletes everything that ended before a time.
func all(before time.Time) remove {
	return func(ctx context.Context, tx ports.Tx, limit int) (total int, err error) {
		for _, remove := range []remove{
			grants(before), transactions(before), assertions(before), authorizations(before),
			func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
				ids, err := tx.Tokens().Ended(ctx, before, limit)
				if err != nil {
					return 0, err
				}
				return tx.Tokens().Delete(ctx, ids)
			},
			func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
				ids, err := tx.Authorizations().RedeemedWithoutToken(ctx, before, limit)
				if err != nil {
					return 0, err
				}
				return tx.Authorizations().Delete(ctx, ids)
			},
		} {
			n, err := remove(ctx, tx, limit)
			total += n
			if err != nil {
				return total, err
			}
		}
		return total, nil
	}
}

// deleted runs remove until it has no more to do and, unless want is nil, expects
// these numbers of rows.
func deleted(t *testing.T, s ports.Store, remove remove, want []int) {
	t.Helper()
	var got []int
	for i := 0; i < max(1, len(want)); i++ {
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			n, err := remove(ctx, tx, 1000)
			got = append(got, n)
			return err
		})
	}
	if want != nil && !slices.Equal(got, want) {
		t.Errorf("got %v rows, want %v", got, want)
	}
}

// limited expects five rows to go in batches of two.
func limited(t *testing.T, s ports.Store, remove remove) {
	t.Helper()
	for _, want := range []int{2, 2, 1, 0} {
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			n, err := remove(ctx, tx, 2)
			if n != want {
				t.Errorf("got %d rows, want %d", n, want)
			}
			return err
		})
	}
}

// expiring is an authorization that s holds, in a state, with an end.
func (w *fixture) expiring(s ports.Store, status device.Status, end time.Time) uid.ID {
	w.t.Helper()
	a, started := w.started()
	snapshot := a.Snapshot()
	snapshot.RequestedAt, snapshot.ExpiresAt, snapshot.Status = end.Add(-hour), end, status
	if status != device.Pending {
		snapshot.Subject, snapshot.DecidedAt = w.ann, end
	}
	if status == device.Approved || status == device.Redeemed {
		snapshot.TokenID = uid.New(end)
	}
	if status == device.Redeemed {
		snapshot.RedeemedAt = end
	}
	a, err := device.Restore(snapshot)
	must(w.t, err)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, started) })
	return snapshot.ID
}

func (w *fixture) revoked(s ports.Store, t *token.AccessToken, at time.Time) {
	w.t.Helper()
	event, _ := t.Revoke("test", audit.WorkerOf("test"), at, w.by)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, t, event) })
}

func (w *fixture) gone(s ports.Store, ids ...uid.ID) {
	w.t.Helper()
	for _, id := range ids {
		unknown(w.t, s, id)
	}
}

func (w *fixture) there(s ports.Store, ids ...uid.ID) {
	w.t.Helper()
	for _, id := range ids {
		loaded(w.t, s, id)
	}
}

// finds expects a query to find some IDs and not others.
func (w *fixture) finds(s ports.Store, query func(ctx context.Context, r ports.Reader) ([]uid.ID, error), want, not []uid.ID) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) error {
		got, err := query(ctx, r)
		for _, id := range want {
			if !slices.Contains(got, id) {
				w.t.Errorf("got %v, want %v among them", got, id)
			}
		}
		for _, id := range not {
			if slices.Contains(got, id) {
				w.t.Errorf("got %v, want it without %v", got, id)
			}
		}
		return err
	})
}

func (w *fixture) atMost(s ports.Store, limit int, query func(ctx context.Context, r ports.Reader) ([]uid.ID, error)) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) error {
		got, err := query(ctx, r)
		if len(got) != limit {
			w.t.Errorf("got %d IDs, want %d", len(got), limit)
		}
		return err
	})
}
