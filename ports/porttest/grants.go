package porttest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeGrants(t *testing.T, open func(t *testing.T) ports.Store) {
	under := func(t *testing.T, s ports.Store, session secret.Digest) map[uid.ID]approval.GrantSnapshot {
		t.Helper()
		found := map[uid.ID]approval.GrantSnapshot{}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			grants, err := tx.Grants().BySession(ctx, session)
			for _, g := range grants {
				found[g.Snapshot().ID] = g.Snapshot()
			}
			return err
		})
		return found
	}

	t.Run("all of one session, with every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		session := random()
		first, second := w.granted(s, w.added(s), session), w.granted(s, w.added(s), session)
		w.granted(s, w.added(s), random())
		got := under(t, s, session)
		if len(got) != 2 {
			t.Fatalf("got %d grants, want 2", len(got))
		}
		equal(t, got[first.Snapshot().ID], first.Snapshot())
		equal(t, got[second.Snapshot().ID], second.Snapshot())
	})

	t.Run("by its id, whatever session it is in", func(t *testing.T) { // F01
		s, w := open(t), newFixture(t)
		from, to := random(), random()
		g := w.granted(s, w.added(s), from)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Grants().Move(ctx, from, to, w.event()) })
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Grants().ByID(ctx, g.Snapshot().ID)
			must(t, err)
			want := g.Snapshot()
			want.Session = to
			equal(t, got.Snapshot(), want)
			_, err = r.Grants().ByID(ctx, uid.New(w.now))
			is(t, err, ports.ErrUnknownGrant)
			return nil
		})
	})

	t.Run("none is no error", func(t *testing.T) {
		s := open(t)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			grants, err := r.Grants().BySession(ctx, random())
			if len(grants) != 0 {
				t.Errorf("got %d grants, want none", len(grants))
			}
			return err
		})
	})

	t.Run("spent stays spent", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		session := random()
		keys := approval.NewCSRFKeys([]byte("key"))
		g := w.granted(s, w.added(s), session)
		var spent *approval.Grant
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			grants, err := tx.Grants().BySession(ctx, session)
			must(t, err)
			spent, _, err = grants.Spend(approval.Approve, approval.Proof{CSRF: keys.Token(g)}, keys, approval.Terms{}, g.Snapshot().UserCode, w.now.Add(time.Second))
			must(t, err)
			return tx.Grants().Save(ctx, spent, w.event())
		})
		equal(t, under(t, s, session)[g.Snapshot().ID], spent.Snapshot())
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			grants, err := tx.Grants().BySession(ctx, session)
			must(t, err)
			_, _, err = grants.Spend(approval.Approve, approval.Proof{CSRF: keys.Token(g)}, keys, approval.Terms{}, g.Snapshot().UserCode, w.now.Add(time.Second))
			is(t, err, approval.ErrConsumed)
			return nil
		})
	})

	t.Run("moved under another session", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		from, to, other := random(), random(), random()
		moved := []*approval.Grant{w.granted(s, w.added(s), from), w.granted(s, w.added(s), from)}
		w.granted(s, w.added(s), to)
		w.granted(s, w.added(s), other)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Grants().Move(ctx, from, to, w.event()) })
		for session, want := range map[secret.Digest]int{from: 0, to: 3, other: 1} {
			if got := len(under(t, s, session)); got != want {
				t.Errorf("got %d grants, want %d", got, want)
			}
		}
		for _, g := range moved {
			want := g.Snapshot()
			want.Session = to
			equal(t, under(t, s, to)[want.ID], want)
		}
	})

	t.Run("dropped for one code unless spent", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		session := random()
		a, b := w.added(s), w.added(s)
		dropped, spent, other := w.granted(s, a, session), w.granted(s, a, session), w.granted(s, b, session)
		elsewhere := random()
		w.granted(s, a, elsewhere)
		used := spent.Snapshot()
		used.SpentAt = w.now
		spent, err := approval.RestoreGrant(used)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Grants().Save(ctx, spent, w.event()))
			return tx.Grants().Drop(ctx, session, a.Snapshot().UserCode, w.event())
		})
		got := under(t, s, session)
		if _, there := got[dropped.Snapshot().ID]; there || len(got) != 2 {
			t.Errorf("got %v, want the spent one and the one for another code", got)
		}
		equal(t, got[used.ID], used)
		equal(t, got[other.Snapshot().ID], other.Snapshot())
		if n := len(under(t, s, elsewhere)); n != 1 {
			t.Errorf("the other browser: got %d grants, want 1", n)
		}
	})

	t.Run("a subject comes back whole", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		w.ann = w.subject("o'ann+x@exämple.com", "CN=Ann O'Neil\\, \"A\",DC=example")
		session := random()
		g := w.granted(s, w.added(s), session)
		var want identity.Subject = w.ann
		equal(t, under(t, s, session)[g.Snapshot().ID].Subject, want)
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Add": func(w *fixture, s ports.Store) eventWrite {
			g := w.grant(w.added(s), random())
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error { return tx.Grants().Add(ctx, g, event) }
		},
		"Save": func(w *fixture, s ports.Store) eventWrite {
			g := w.granted(s, w.added(s), random())
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Grants().Save(ctx, g, event)
			}
		},
		"Move": func(w *fixture, s ports.Store) eventWrite {
			from := random()
			w.granted(s, w.added(s), from)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Grants().Move(ctx, from, random(), event)
			}
		},
		"Drop": func(w *fixture, s ports.Store) eventWrite {
			a, session := w.added(s), random()
			w.granted(s, a, session)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Grants().Drop(ctx, session, a.Snapshot().UserCode, event)
			}
		},
	})

	t.Run("Add keeps every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		want := w.grant(w.added(s), random()).Snapshot()
		want.SpentAt, want.CodeTyped = w.now.Add(time.Microsecond), true
		want.SignedInAt, want.SignedInFrom = w.now.Add(-time.Second), netip.MustParseAddr("203.0.113.9")
		noZero(t, want)
		g, err := approval.RestoreGrant(want)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Grants().Add(ctx, g, w.event()) })
		equal(t, under(t, s, want.Session)[want.ID], want)
	})

	t.Run("Save keeps every field", func(t *testing.T) { // F07
		s, w := open(t), newFixture(t)
		possible := func(s approval.GrantSnapshot) error { _, err := approval.RestoreGrant(s); return err }
		unspent := w.granted(s, w.added(s), random()).Snapshot()
		spent := unspent
		spent.SpentAt = w.now
		special := map[string]any{"ID": nil, "Authorization": w.added(s).Snapshot().ID}
		managing := unspent
		managing.Purpose, managing.Authorization, managing.UserCode = approval.ManageDevices, uid.ID{}, device.UserCode{}
		for _, change := range variants(t, w, possible, special, unspent, spent, managing) {
			g, err := approval.RestoreGrant(change.snapshot)
			must(t, err)
			if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Grants().Save(ctx, g, w.event()) }); err != nil {
				if !change.cleared {
					t.Errorf("%s: got %v, want it saved", change.field, err)
				}
				continue
			}
			if got := under(t, s, change.snapshot.Session)[unspent.ID]; got != change.snapshot {
				t.Errorf("%s:\n got %+v\nwant %+v", change.field, got, change.snapshot)
			}
		}
	})

	t.Run("nothing to move or drop is no error, and on record", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		moved, dropped := w.event(), w.event()
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Grants().Move(ctx, random(), random(), moved))
			return tx.Grants().Drop(ctx, random(), device.NewUserCode(), dropped)
		})
		seen(t, s, moved, 1)
		seen(t, s, dropped, 1)
	})

	t.Run("saving an unknown grant is a defect", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		never := w.grant(w.added(s), random())
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Grants().Save(ctx, never, w.event()), ports.ErrUnknownGrant)
			return nil
		})
	})
}
