package porttest

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeAuthorizations(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("found by its id and either code", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a := w.added(s)
		w.added(s)
		want := a.Snapshot()
		look := func(ctx context.Context, r ports.Reader) error {
			for name, find := range map[string]func() (*device.Authorization, error){
				"id":          func() (*device.Authorization, error) { return r.Authorizations().ByID(ctx, want.ID) },
				"device code": func() (*device.Authorization, error) { return r.Authorizations().ByCode(ctx, want.Code) },
				"user code":   func() (*device.Authorization, error) { return r.Authorizations().ByUserCode(ctx, want.UserCode) },
			} {
				got, err := find()
				if err != nil {
					t.Fatalf("by %s: got %v, want the authorization", name, err)
				}
				equal(t, got.Snapshot(), want)
			}
			return nil
		}
		view(t, s, look)
	})

	t.Run("found by the tokens that came of them", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, b, waiting := w.added(s), w.added(s), w.added(s)
		var want []uid.ID
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			for _, redeemed := range []*device.Authorization{a, b} {
				approved, err := w.approve(redeemed)
				must(t, err)
				must(t, redeemed.Redeem(w.now, w.by))
				must(t, tx.Authorizations().Save(ctx, redeemed, approved))
				want = append(want, redeemed.Snapshot().TokenID)
			}
			approved, err := w.approve(waiting)
			must(t, err)
			return tx.Authorizations().Save(ctx, waiting, approved)
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			found, err := r.Authorizations().RedeemedFor(ctx, append(want, waiting.Snapshot().TokenID, uid.New(w.now)))
			must(t, err)
			byToken := map[uid.ID]device.Snapshot{}
			for _, f := range found {
				byToken[f.Snapshot().TokenID] = f.Snapshot()
			}
			if len(found) != 2 {
				t.Errorf("got %d authorizations, want 2", len(found))
			}
			equal(t, byToken[want[0]], a.Snapshot())
			equal(t, byToken[want[1]], b.Snapshot())
			none, err := r.Authorizations().RedeemedFor(ctx, nil)
			must(t, err)
			if len(none) != 0 {
				t.Errorf("got %d authorizations for no token, want none", len(none))
			}
			return nil
		})
	})

	t.Run("unknown is unknown", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, started := w.started()
		look := func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorizations().ByID(ctx, uid.New(w.now))
			is(t, err, device.ErrUnknown)
			_, err = r.Authorizations().ByCode(ctx, random())
			is(t, err, device.ErrUnknown)
			_, err = r.Authorizations().ByUserCode(ctx, device.NewUserCode())
			is(t, err, device.ErrUnknown)
			return nil
		}
		view(t, s, look)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Authorizations().Save(ctx, a, started), device.ErrUnknown)
			return nil
		})
		seen(t, s, started, 0)
	})

	t.Run("a taken user code spoils nothing", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		taken := w.added(s)
		other, started := w.started()
		twin := other.Snapshot()
		twin.UserCode = taken.Snapshot().UserCode
		double, err := device.Restore(twin)
		must(t, err)
		refused := w.event()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Authorizations().Add(ctx, double, refused), ports.ErrUserCodeTaken)
			return tx.Authorizations().Add(ctx, other, started) // with a code of its own
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Authorizations().ByUserCode(ctx, taken.Snapshot().UserCode)
			must(t, err)
			equal(t, got.Snapshot(), taken.Snapshot())
			_, err = r.Authorizations().ByID(ctx, other.Snapshot().ID)
			return err
		})
		seen(t, s, refused, 0)
	})

	t.Run("one is added by itself, with its event", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a, started := w.started()
		must(t, s.AddAuthorization(t.Context(), a, started))
		equal(t, loaded(t, s, a.Snapshot().ID), a.Snapshot())
		seen(t, s, started, 1)

		twin, refused := a.Snapshot(), w.event()
		twin.ID, twin.Code = uid.New(w.now), aCode()
		double, err := device.Restore(twin)
		must(t, err)
		is(t, s.AddAuthorization(t.Context(), double, refused), ports.ErrUserCodeTaken)
		seen(t, s, refused, 0)
		unknown(t, s, twin.ID)

		other, _ := w.started()
		if err := s.AddAuthorization(t.Context(), other, audit.Event{}); err == nil {
			t.Error("got no error for an authorization without an event, want one")
		}
		unknown(t, s, other.Snapshot().ID)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		is(t, s.AddAuthorization(ctx, other, w.event()), context.Canceled)
		unknown(t, s, other.Snapshot().ID)
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Add": func(w *fixture, s ports.Store) eventWrite {
			a, _ := w.started()
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Authorizations().Add(ctx, a, event)
			}
		},
		"Save": func(w *fixture, s ports.Store) eventWrite {
			a := w.added(s)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Authorizations().Save(ctx, a, event)
			}
		},
	})

	possible := func(s device.Snapshot) error { _, err := device.Restore(s); return err }
	// states are those that an authorization can be in; the last has every field.
	states := func(w *fixture) []device.Snapshot {
		a, _ := w.started()
		pending := a.Snapshot()
		denied := pending
		denied.Status, denied.Subject, denied.DecidedAt = device.Denied, w.ann, w.now.Add(time.Microsecond)
		approved := denied
		approved.Status, approved.TokenID = device.Approved, uid.New(w.now)
		redeemed := approved
		redeemed.Status, redeemed.RedeemedAt, redeemed.RedeemedFrom = device.Redeemed, w.now.Add(2*time.Microsecond), netip.MustParseAddr("198.51.100.9")
		redeemed.Repeated, redeemed.Undelivered, redeemed.PolledElsewhere = true, true, true
		redeemed.UndoneAt, redeemed.Connection = w.now.Add(3*time.Microsecond), "acme"
		redeemed.Language = "zh-Hans"
		redeemed.Scopes, redeemed.LoginHint, redeemed.TokenLife = scope.Restore("apps:run full"), w.ann.Email(), token.Lifetime(hour)
		return []device.Snapshot{pending, denied, approved, redeemed}
	}

	t.Run("what a person approved and no device fetched, the newest first", func(t *testing.T) { // F01
		s, w := open(t), newFixture(t)
		var want []uid.ID
		for i := range 3 {
			of := w.added(s).Snapshot()
			of.Status, of.Subject, of.TokenID, of.DecidedAt = device.Approved, w.ann, uid.New(w.now), w.now.Add(time.Duration(i)*time.Second)
			w.saved(s, of)
			want = append([]uid.ID{of.ID}, want...)
		}
		for _, change := range []func(*device.Snapshot){
			func(s *device.Snapshot) { s.Status, s.TokenID = device.Denied, uid.ID{} },
			func(s *device.Snapshot) { s.Status, s.RedeemedAt = device.Redeemed, w.now },
			func(s *device.Snapshot) { s.Subject = w.subject("other@example.com", "") },
		} {
			of := w.added(s).Snapshot()
			of.Status, of.Subject, of.TokenID, of.DecidedAt = device.Approved, w.ann, uid.New(w.now), w.now
			change(&of)
			w.saved(s, of)
		}
		for limit, want := range map[int][]uid.ID{2: want[:2], 10: want} {
			view(t, s, func(ctx context.Context, r ports.Reader) error {
				found, err := r.Authorizations().ApprovedBy(ctx, w.ann.Email(), w.ann.Issuer(), limit)
				must(t, err)
				var got []uid.ID
				for _, a := range found {
					got = append(got, a.Snapshot().ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("at most %d: got %v, want %v", limit, got, want)
				}
				return nil
			})
		}
	})

	t.Run("Add keeps every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		all := states(w)
		noZero(t, all[len(all)-1])
		for _, want := range all {
			want.ID, want.Code, want.UserCode = uid.New(w.now), random(), device.NewUserCode()
			a, err := device.Restore(want)
			must(t, err)
			update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, w.event()) })
			equal(t, loaded(t, s, want.ID), want)
		}
	})

	t.Run("Save keeps every field", func(t *testing.T) { // F07
		s, w := open(t), newFixture(t)
		all := states(w)
		changes := variants(t, w, possible, map[string]any{"ID": nil, "Status": nil}, all...)
		for _, state := range all {
			changes = append(changes, variant[device.Snapshot]{field: "Status", snapshot: state})
		}
		for _, change := range changes {
			stored, want := w.added(s).Snapshot(), change.snapshot
			want.ID = stored.ID
			if change.field != "Code" {
				want.Code = stored.Code
			}
			if change.field != "UserCode" {
				want.UserCode = stored.UserCode
			}
			a, err := device.Restore(want)
			must(t, err)
			if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Save(ctx, a, w.event()) }); err != nil {
				if !change.cleared {
					t.Errorf("%s: got %v, want it saved", change.field, err)
				}
				continue
			}
			if got := loaded(t, s, want.ID); got != want {
				t.Errorf("%s:\n got %+v\nwant %+v", change.field, got, want)
			}
		}
	})

	t.Run("text and addresses of every kind come back", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		for name, change := range map[string]func(*device.Snapshot){
			"long label":     func(s *device.Snapshot) { s.Label = longLabel },
			"quotes":         func(s *device.Snapshot) { s.Label, s.ClientID = `it's \' "\\" $1 ? ?? :x %s;--`, "o'ne" },
			"IPv6":           func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("2001:db8::1") },
			"zone":           func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("fe80::1%eth0") },
			"mapped address": func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("::ffff:192.0.2.1") },
			"no NameID": func(s *device.Snapshot) {
				s.Status, s.DecidedAt, s.Subject = device.Denied, w.now, w.subject("bob@example.com", "")
			},
		} {
			t.Run(name, func(t *testing.T) {
				fresh, started := w.started()
				want := fresh.Snapshot()
				change(&want)
				a, err := device.Restore(want)
				must(t, err)
				update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, started) })
				equal(t, loaded(t, s, want.ID), want)
			})
		}
	})
}

func loaded(t *testing.T, s ports.Store, id uid.ID) device.Snapshot {
	t.Helper()
	var got device.Snapshot
	view(t, s, func(ctx context.Context, r ports.Reader) error {
		a, err := r.Authorizations().ByID(ctx, id)
		must(t, err)
		got = a.Snapshot()
		return nil
	})
	return got
}
