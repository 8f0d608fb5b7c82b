package porttest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeAuthorizations(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("found by its id and either code", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a := w.added(s)
		w.added(s)
		want := a.Snapshot()
		look := func(ctx context.Context, r ports.Reader) error {
			for name, find := range map[string]func() (*device.Authorization, error){
				"id":          func() (*device.Authorization, error) { return r.Authorization(ctx, want.ID) },
				"device code": func() (*device.Authorization, error) { return r.AuthorizationByCode(ctx, want.Code) },
				"user code":   func() (*device.Authorization, error) { return r.AuthorizationByUserCode(ctx, want.UserCode) },
			} {
				got, err := find()
				if err != nil {
					t.Fatalf("by %s: %v", name, err)
				}
				equal(t, got.Snapshot(), want)
			}
			return nil
		}
		view(t, s, look)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return look(ctx, tx) })
	})

	t.Run("found by the tokens that came of them", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, b, waiting := w.added(s), w.added(s), w.added(s)
		var want []uid.ID
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			for _, redeemed := range []*device.Authorization{a, b} {
				approved, err := redeemed.Approve(w.ann, w.now, w.by)
				must(t, err)
				must(t, redeemed.Redeem(w.now, w.by))
				must(t, tx.SaveAuthorization(ctx, redeemed, approved))
				want = append(want, redeemed.Snapshot().TokenID)
			}
			approved, err := waiting.Approve(w.ann, w.now, w.by)
			must(t, err)
			return tx.SaveAuthorization(ctx, waiting, approved)
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			found, err := r.Redeemed(ctx, append(want, waiting.Snapshot().TokenID, uid.New(w.now)))
			must(t, err)
			byToken := map[uid.ID]device.Snapshot{}
			for _, f := range found {
				byToken[f.Snapshot().TokenID] = f.Snapshot()
			}
			if len(found) != 2 {
				t.Errorf("%d are found", len(found))
			}
			equal(t, byToken[want[0]], a.Snapshot())
			equal(t, byToken[want[1]], b.Snapshot())
			none, err := r.Redeemed(ctx, nil)
			must(t, err)
			if len(none) != 0 {
				t.Errorf("%d are found for no token", len(none))
			}
			return nil
		})
	})

	t.Run("unknown is unknown", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, started := w.started()
		look := func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorization(ctx, uid.New(w.now))
			is(t, err, device.ErrUnknown)
			_, err = r.AuthorizationByCode(ctx, random())
			is(t, err, device.ErrUnknown)
			_, err = r.AuthorizationByUserCode(ctx, device.NewUserCode())
			is(t, err, device.ErrUnknown)
			return nil
		}
		view(t, s, look)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.SaveAuthorization(ctx, a, started), device.ErrUnknown)
			return look(ctx, tx)
		})
	})

	t.Run("a taken user code spoils nothing", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		taken := w.added(s)
		other, started := w.started()
		twin := other.Snapshot()
		twin.UserCode = taken.Snapshot().UserCode
		double, err := device.Restore(twin)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.AddAuthorization(ctx, double, started), ports.ErrUserCodeTaken)
			return tx.AddAuthorization(ctx, other, started) // with a code of its own
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.AuthorizationByUserCode(ctx, taken.Snapshot().UserCode)
			must(t, err)
			equal(t, got.Snapshot(), taken.Snapshot())
			_, err = r.Authorization(ctx, other.Snapshot().ID)
			return err
		})
	})

	t.Run("an event that caused several writes is no obstacle", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a := w.added(s)
		approved, err := a.Approve(w.ann, w.now, w.by)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.SaveAuthorization(ctx, a, approved))
			must(t, tx.Record(ctx, approved))
			return tx.SaveAuthorization(ctx, a, approved)
		})
	})

	t.Run("every field comes back as it went in", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		decided := func(s *device.Snapshot) { s.Subject, s.DecidedAt = w.ann, w.now.Add(time.Microsecond) }
		for name, change := range map[string]func(*device.Snapshot){
			"pending":          func(*device.Snapshot) {},
			"nothing optional": func(s *device.Snapshot) { s.Label, s.RequestedFrom = "", netip.Addr{} },
			"long label":       func(s *device.Snapshot) { s.Label = longLabel },
			"quotes":           func(s *device.Snapshot) { s.Label, s.ClientID = `it's \' "\\" $1 ? ?? :x %s;--`, "o'ne" },
			"IPv6":             func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("2001:db8::1") },
			"zone":             func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("fe80::1%eth0") },
			"mapped address":   func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("::ffff:192.0.2.1") },
			"seen elsewhere":   func(s *device.Snapshot) { s.PolledElsewhere = true },
			"denied":           func(s *device.Snapshot) { s.Status = device.Denied; decided(s) },
			"approved":         func(s *device.Snapshot) { s.Status, s.TokenID = device.Approved, uid.New(w.now); decided(s) },
			"redeemed": func(s *device.Snapshot) {
				s.Status, s.TokenID = device.Redeemed, uid.New(w.now)
				decided(s)
				s.RedeemedAt, s.RedeemedFrom = w.now.Add(2*time.Microsecond), netip.MustParseAddr("198.51.100.9")
				s.Repeated, s.Undelivered = true, true
			},
			"no NameID": func(s *device.Snapshot) {
				s.Status = device.Denied
				decided(s)
				s.Subject = w.subject("bob@example.com", "")
			},
		} {
			t.Run(name, func(t *testing.T) {
				fresh, started := w.started()
				want := fresh.Snapshot()
				change(&want)
				a, err := device.Restore(want)
				must(t, err)

				update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.AddAuthorization(ctx, a, started) })
				equal(t, loaded(t, s, want.ID), want)
			})
			t.Run(name+", as a move", func(t *testing.T) {
				before := w.added(s)
				want := before.Snapshot()
				change(&want)
				want.Label, want.ClientID, want.RequestedFrom = "laptop", "difyctl", w.by.IP // no move changes these
				a, err := device.Restore(want)
				must(t, err)

				update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.SaveAuthorization(ctx, a, w.event()) })
				equal(t, loaded(t, s, want.ID), want)
			})
		}
	})

	t.Run("events of every shape are kept", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		full := w.event()
		full.Subject, full.TokenID, full.ClientID, full.DeviceLabel = w.ann, uid.New(w.now), "difyctl", longLabel
		full.Scopes, full.Connection, full.Mount = []string{"apps:run", "full"}, "acme", "legacy"
		full.Reason, full.Detail = "audience_mismatch", "expected it's, received \x00\xff\\'"
		full.Origin.UserAgent = "Mozilla/5.0 \x00 \xff"
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Record(ctx, full))
			return tx.Record(ctx, audit.New(audit.LoginFailed, w.now, request.Origin{}))
		})
	})
}

func loaded(t *testing.T, s ports.Store, id uid.ID) device.Snapshot {
	t.Helper()
	var got device.Snapshot
	view(t, s, func(ctx context.Context, r ports.Reader) error {
		a, err := r.Authorization(ctx, id)
		must(t, err)
		got = a.Snapshot()
		return nil
	})
	return got
}

func storeSignIns(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("a trip is found by its id, relay state and ticket, with every field", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		transaction, signIn := w.departed(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		w.departed(s, w.added(s), approval.BrowserBinding{}.OrNew(), w.now)
		relay := signIn.RelayState.Digest()

		look := func(ctx context.Context, r ports.Reader) error {
			got, err := r.TransactionByRelayState(ctx, relay)
			must(t, err)
			equal(t, got.Snapshot(), transaction.Snapshot())
			got, err = r.Transaction(ctx, transaction.Snapshot().ID)
			must(t, err)
			equal(t, got.Snapshot(), transaction.Snapshot())
			if ticket := transaction.Snapshot().Ticket; !ticket.IsZero() {
				got, err = r.TransactionByTicket(ctx, ticket)
				must(t, err)
				equal(t, got.Snapshot(), transaction.Snapshot())
			}
			return nil
		}
		view(t, s, look)

		_, err := transaction.AcceptAssertion(approval.VerifiedAssertion{Subject: w.ann, ID: "a1"}, w.connection(), connection.Canonical, w.now)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.SaveTransaction(ctx, transaction) })
		view(t, s, look)

		finished := transaction.Snapshot()
		finished.CompletedAt = w.now.Add(time.Second)
		transaction, err = approval.RestoreTransaction(finished)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.SaveTransaction(ctx, transaction) })
		view(t, s, look)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return look(ctx, tx) })
	})

	t.Run("the youngest trip of a browser for a code", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a, browser := w.added(s), approval.BrowserBinding{}.OrNew()
		code := a.Snapshot().UserCode
		w.departed(s, a, browser, w.now)
		youngest, _ := w.departed(s, a, browser, w.now.Add(2*time.Microsecond))
		w.departed(s, a, browser, w.now.Add(time.Microsecond))
		w.departed(s, a, approval.BrowserBinding{}.OrNew(), w.now.Add(time.Second))
		w.departed(s, w.added(s), browser, w.now.Add(time.Second))

		look := func(ctx context.Context, r ports.Reader) error {
			got, err := r.TransactionByBrowser(ctx, browser.Digest(), code, []string{"other", "acme"})
			must(t, err)
			equal(t, got.Snapshot(), youngest.Snapshot())
			for _, connections := range [][]string{{"other"}, nil} {
				_, err = r.TransactionByBrowser(ctx, browser.Digest(), code, connections)
				is(t, err, approval.ErrUnknownTransaction)
			}
			return nil
		}
		view(t, s, look)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return look(ctx, tx) })
	})

	t.Run("unknown is unknown", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		a := w.added(s)
		never, _, err := approval.Begin(a, w.connection(), connection.Legacy, approval.BrowserBinding{}.OrNew(), w.now)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.SaveTransaction(ctx, never), approval.ErrUnknownTransaction)
			_, err := tx.Transaction(ctx, never.Snapshot().ID)
			is(t, err, approval.ErrUnknownTransaction)
			_, err = tx.TransactionByRelayState(ctx, random())
			is(t, err, approval.ErrUnknownTransaction)
			_, err = tx.TransactionByTicket(ctx, random())
			is(t, err, approval.ErrUnknownTransaction)
			_, err = tx.TransactionByTicket(ctx, secret.Digest{})
			is(t, err, approval.ErrUnknownTransaction)
			_, err = tx.TransactionByBrowser(ctx, random(), a.Snapshot().UserCode, []string{"acme"})
			is(t, err, approval.ErrUnknownTransaction)
			return nil
		})
	})

	t.Run("an assertion is spent once and each issuer has its own", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		must(t, spend(t, s, w.issuer, "_1", w.now))
		is(t, spend(t, s, w.issuer, "_1", w.now.Add(hour)), approval.ErrReplayed)
		must(t, spend(t, s, w.issuer, "_2", w.now))
		must(t, spend(t, s, w.issuer+"/other", "_1", w.now))
		must(t, spend(t, s, w.issuer+`" "x`, "y", w.now)) // a separator of ours proves nothing
		must(t, spend(t, s, w.issuer, `x" "y`, w.now))
		must(t, spend(t, s, w.issuer, longLabel+longLabel, w.now))
	})

	t.Run("a replay spoils nothing", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		must(t, spend(t, s, w.issuer, "_1", w.now))
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.SpendAssertion(ctx, w.issuer, "_1", w.now), approval.ErrReplayed)
			return tx.Record(ctx, w.event())
		})
	})
}

func storeGrants(t *testing.T, open func(t *testing.T) ports.Store) {
	under := func(t *testing.T, s ports.Store, handle secret.Digest) map[uid.ID]approval.GrantSnapshot {
		t.Helper()
		found := map[uid.ID]approval.GrantSnapshot{}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			grants, err := tx.Grants(ctx, handle)
			for _, g := range grants {
				found[g.Snapshot().ID] = g.Snapshot()
			}
			return err
		})
		return found
	}

	t.Run("all under one handle, with every field", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		handle := random()
		first, second := w.granted(s, w.added(s), handle), w.granted(s, w.added(s), handle)
		w.granted(s, w.added(s), random())
		got := under(t, s, handle)
		if len(got) != 2 {
			t.Fatalf("got %d grants, want 2", len(got))
		}
		equal(t, got[first.Snapshot().ID], first.Snapshot())
		equal(t, got[second.Snapshot().ID], second.Snapshot())
	})

	t.Run("none is no error", func(t *testing.T) {
		s := open(t)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			grants, err := r.Grants(ctx, random())
			if len(grants) != 0 {
				t.Errorf("got %d grants, want none", len(grants))
			}
			return err
		})
	})

	t.Run("spent stays spent", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		handle := random()
		keys := approval.NewCSRFKeys([]byte("key"))
		g := w.granted(s, w.added(s), handle)
		var spent *approval.Grant
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			grants, err := tx.Grants(ctx, handle)
			must(t, err)
			spent, err = grants.Spend(keys.Token(g), keys, g.Snapshot().UserCode, w.now.Add(time.Second))
			must(t, err)
			return tx.SaveGrant(ctx, spent)
		})
		equal(t, under(t, s, handle)[g.Snapshot().ID], spent.Snapshot())
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			grants, err := tx.Grants(ctx, handle)
			must(t, err)
			_, err = grants.Spend(keys.Token(g), keys, g.Snapshot().UserCode, w.now.Add(time.Second))
			is(t, err, approval.ErrConsumed)
			return nil
		})
	})

	t.Run("moved under another handle", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		from, to, other := random(), random(), random()
		g := w.granted(s, w.added(s), from)
		w.granted(s, w.added(s), to)
		w.granted(s, w.added(s), other)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.MoveGrants(ctx, from, to) })
		if n := len(under(t, s, from)); n != 0 {
			t.Errorf("%d grants are left behind", n)
		}
		if n := len(under(t, s, other)); n != 1 {
			t.Errorf("the other browser has %d grants, want 1", n)
		}
		want := g.Snapshot()
		want.Session = to
		equal(t, under(t, s, to)[want.ID], want)
		if n := len(under(t, s, to)); n != 2 {
			t.Errorf("got %d grants, want 2", n)
		}
	})

	t.Run("dropped for one code unless spent", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		handle := random()
		a, b := w.added(s), w.added(s)
		dropped, spent, other := w.granted(s, a, handle), w.granted(s, a, handle), w.granted(s, b, handle)
		elsewhere := random()
		w.granted(s, a, elsewhere)
		used := spent.Snapshot()
		used.SpentAt = w.now
		spent, err := approval.RestoreGrant(used)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.SaveGrant(ctx, spent))
			return tx.DropGrants(ctx, handle, a.Snapshot().UserCode)
		})
		got := under(t, s, handle)
		if _, there := got[dropped.Snapshot().ID]; there || len(got) != 2 {
			t.Errorf("got %v, want the spent one and the one for another code", got)
		}
		equal(t, got[used.ID], used)
		equal(t, got[other.Snapshot().ID], other.Snapshot())
		if n := len(under(t, s, elsewhere)); n != 1 {
			t.Errorf("the other browser has %d grants, want 1", n)
		}
	})

	t.Run("a subject comes back whole", func(t *testing.T) {
		s, w := open(t), newWorld(t)
		w.ann = w.subject("o'ann+x@exämple.com", "CN=Ann O'Neil\\, \"A\",DC=example")
		handle := random()
		g := w.granted(s, w.added(s), handle)
		var want identity.Subject = w.ann
		equal(t, under(t, s, handle)[g.Snapshot().ID].Subject, want)
	})
}
