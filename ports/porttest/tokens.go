package porttest

import (
	"context"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func storeTokens(t *testing.T, open func(t *testing.T) ports.Store) {
	t.Run("found by id, digest and device, with every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		of := w.device(longLabel)
		issued, clear := w.minted(s, of, w.now)
		w.minted(s, w.device("other"), w.now)
		look := func(ctx context.Context, r ports.Reader) error {
			got, err := r.Tokens().ByID(ctx, issued.Snapshot().ID)
			must(t, err)
			equal(t, got.Snapshot(), issued.Snapshot())
			got, err = r.Tokens().ByDigest(ctx, clear.Digest())
			must(t, err)
			equal(t, got.Snapshot(), issued.Snapshot())
			got, err = r.Tokens().LiveOf(ctx, of)
			must(t, err)
			equal(t, got.Snapshot(), issued.Snapshot())
			return nil
		}
		view(t, s, look)
		first, _, err := issued.RecordUse(w.now.Add(time.Minute), w.by)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, issued, first) })
		view(t, s, look)
	})

	// F31: every event of one login carries the authorization's ID.
	t.Run("a token names the authorization that was redeemed for it", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		a := w.added(s)
		approved, err := w.approve(a)
		must(t, err)
		order := token.Order{
			ID: a.Snapshot().TokenID, Authorization: a.Snapshot().ID, Device: w.device("laptop"),
			Subject: "external_sso", Lifetime: token.Lifetime(hour),
		}
		issued, clear, minted := token.Mint(order, w.now, w.by)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			must(t, tx.Authorizations().Save(ctx, a, approved))
			return tx.Tokens().Add(ctx, issued, minted)
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			byID, err := r.Tokens().ByID(ctx, issued.Snapshot().ID)
			must(t, err)
			byDigest, err := r.Tokens().ByDigest(ctx, clear.Digest())
			must(t, err)
			sessions, _, err := r.Tokens().Sessions(ctx, w.ann.Email(), w.ann.Issuer(), w.now, 0, 1)
			must(t, err)
			for _, got := range append(sessions, byID, byDigest) {
				equal(t, got.Snapshot(), issued.Snapshot())
			}
			return nil
		})
	})

	t.Run("unknown is unknown", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		never, clear, _ := token.Mint(token.Order{ID: uid.New(w.now), Device: w.device("never"), Subject: "external_sso", Lifetime: token.Lifetime(hour)}, w.now, w.by)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			_, err := tx.Tokens().ByID(ctx, never.Snapshot().ID)
			is(t, err, token.ErrUnknown)
			_, err = tx.Tokens().ByDigest(ctx, clear.Digest())
			is(t, err, token.ErrUnknown)
			_, err = tx.Tokens().LiveOf(ctx, w.device("never"))
			is(t, err, token.ErrUnknown)
			is(t, tx.Tokens().Save(ctx, never, w.event()), token.ErrUnknown)
			is(t, tx.Tokens().SaveUse(ctx, never), token.ErrUnknown)
			return nil
		})
	})

	t.Run("a device differs by each of its parts", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		base := w.device("laptop")
		w.minted(s, base, w.now)
		email, issuer, client, label := base, base, base, base
		email.Email, issuer.Issuer, client.ClientID, label.Label = w.email("bob@example.com"), w.issuer+"2", "other", "Laptop"
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			for _, of := range []token.Device{email, issuer, client, label} {
				_, err := r.Tokens().LiveOf(ctx, of)
				is(t, err, token.ErrUnknown)
			}
			return nil
		})
	})

	t.Run("a revoked token makes room for its successor", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		of := w.device("laptop")
		old, clear := w.minted(s, of, w.now)
		next, _, minted := token.Mint(token.Order{ID: uid.New(w.now), Device: of, Subject: "external_sso", Lifetime: token.Lifetime(hour)}, w.now, w.by)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			live, err := tx.Tokens().LiveOf(ctx, of)
			must(t, err)
			revoked, changed := live.Revoke("replaced", audit.ClientOf("difyctl"), w.now, w.by)
			if !changed {
				t.Fatal("got a token that is revoked already, want a live one")
			}
			old = live
			must(t, tx.Tokens().Save(ctx, live, revoked))
			return tx.Tokens().Add(ctx, next, minted)
		})
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Tokens().ByDigest(ctx, clear.Digest())
			is(t, err, token.ErrUnknown)
			live, err := r.Tokens().LiveOf(ctx, of)
			must(t, err)
			equal(t, live.Snapshot(), next.Snapshot())
			dead, err := r.Tokens().ByID(ctx, old.Snapshot().ID)
			must(t, err)
			equal(t, dead.Snapshot(), old.Snapshot())
			return nil
		})
	})

	t.Run("an expired token is still the device's", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		of := w.device("laptop")
		issued, _ := w.minted(s, of, w.now.Add(-100*hour))
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			live, err := r.Tokens().LiveOf(ctx, of)
			must(t, err)
			equal(t, live.Snapshot(), issued.Snapshot())
			return nil
		})
	})

	t.Run("a reissued token lives again under another secret", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		issued, first := w.minted(s, w.device("laptop"), w.now)
		revoked, _ := issued.Revoke("undelivered", audit.ClientOf("difyctl"), w.now, w.by)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, issued, revoked) })
		second, rotated, err := issued.Reissue(w.now, w.by)
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, issued, rotated) })
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Tokens().ByDigest(ctx, first.Digest())
			is(t, err, token.ErrUnknown)
			got, err := r.Tokens().ByDigest(ctx, second.Digest())
			must(t, err)
			equal(t, got.Snapshot(), issued.Snapshot())
			return nil
		})
	})

	t.Run("noting a use changes nothing else", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		stale, _ := w.minted(s, w.device("laptop"), w.now)
		current, err := token.Restore(stale.Snapshot())
		must(t, err)
		revoked, _ := current.Revoke("session_ended", audit.ClientOf("difyctl"), w.now, w.by)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, current, revoked) })

		at := w.now.Add(2 * time.Minute)
		_, _, err = stale.RecordUse(at, w.by) // read before it was revoked
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().SaveUse(ctx, stale) })
		want := current.Snapshot()
		want.LastUsedAt = at
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Tokens().ByID(ctx, want.ID)
			must(t, err)
			equal(t, got.Snapshot(), want)
			return nil
		})
	})

	t.Run("sessions are the person's own, live ones, the newest first, page by page", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		var want []uid.ID
		for i, label := range []string{"a", "b", "c", "d", "e"} {
			issued, _ := w.minted(s, w.device(label), w.now.Add(time.Duration(i)*time.Microsecond))
			want = append([]uid.ID{issued.Snapshot().ID}, want...)
		}
		dead, _ := w.minted(s, w.device("dead"), w.now)
		revoked, _ := dead.Revoke("session_ended", audit.ClientOf("difyctl"), w.now, w.by)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, dead, revoked) })
		w.minted(s, w.device("expired"), w.now.Add(-hour)) // at this very moment
		other := w.device("other")
		other.Email = w.email("bob@example.com")
		w.minted(s, other, w.now)
		elsewhere := w.device("elsewhere")
		elsewhere.Issuer += "/other"
		w.minted(s, elsewhere, w.now)

		for _, page := range []struct{ offset, limit, from, to int }{
			{0, 100, 0, 5},
			{0, 2, 0, 2},
			{2, 2, 2, 4},
			{4, 2, 4, 5},
			{6, 2, 5, 5},
		} {
			look := func(ctx context.Context, r ports.Reader) error {
				tokens, total, err := r.Tokens().Sessions(ctx, w.ann.Email(), w.issuer, w.now, page.offset, page.limit)
				must(t, err)
				if total != 5 {
					t.Errorf("%+v: got %d in all, want 5", page, total)
				}
				var got []uid.ID
				for _, issued := range tokens {
					got = append(got, issued.Snapshot().ID)
				}
				if len(got) != page.to-page.from {
					t.Fatalf("%+v: got %d sessions, want %d", page, len(got), page.to-page.from)
				}
				for i, id := range got {
					equal(t, id, want[page.from+i])
				}
				return nil
			}
			view(t, s, look)
		}
	})

	storeMatchingTokens(t, open)

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Add": func(w *fixture, _ ports.Store) eventWrite {
			issued, _, _ := token.Mint(token.Order{ID: uid.New(w.now), Device: w.device("laptop"), Subject: "external_sso", Lifetime: token.Lifetime(hour)}, w.now, w.by)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Tokens().Add(ctx, issued, event)
			}
		},
		"Save": func(w *fixture, s ports.Store) eventWrite {
			issued, _ := w.minted(s, w.device("laptop"), w.now)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Tokens().Save(ctx, issued, event)
			}
		},
	})

	byID := func(t *testing.T, s ports.Store, id uid.ID) (got token.Snapshot) {
		t.Helper()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			found, err := r.Tokens().ByID(ctx, id)
			must(t, err)
			got = found.Snapshot()
			return nil
		})
		return got
	}
	// states are those that a token can be in; together they have every field.
	states := func(w *fixture) (live, revoked token.Snapshot) {
		issued, _, _ := token.Mint(token.Order{ID: uid.New(w.now), Device: w.device("laptop"), Subject: "external_sso", Lifetime: token.Lifetime(hour)}, w.now, w.by)
		live = issued.Snapshot()
		live.LastUsedAt = w.now.Add(time.Second)
		revoked = live
		revoked.RevokedAt, revoked.Digest = w.now.Add(time.Minute), secret.Digest{}
		return live, revoked
	}

	t.Run("Add keeps every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		live, revoked := states(w)
		both := live
		both.RevokedAt = revoked.RevokedAt
		both.Authorization = uid.New(w.now) // is found by the token's ID and not kept with it
		noZero(t, both)
		revoked.ID = uid.New(w.now)
		for _, want := range []token.Snapshot{live, revoked} {
			issued, err := token.Restore(want)
			must(t, err)
			update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, issued, w.event()) })
			equal(t, byID(t, s, want.ID), want)
		}
	})

	t.Run("Save keeps every field", func(t *testing.T) { // F07
		s, w := open(t), newFixture(t)
		possible := func(s token.Snapshot) error {
			if s.Device.Email.IsZero() {
				return token.ErrUnknown // a person of another issuer: what is stored stays
			}
			if s.Scopes.IsZero() {
				return token.ErrUnknown // no scopes are all that the kind of subject has
			}
			_, err := token.Restore(s)
			return err
		}
		live, revoked := states(w)
		changes := variants(t, w, possible, map[string]any{"ID": nil, "Authorization": nil, "RevokedAt": nil, "Prefix": "dfoa_"}, live, revoked)
		changes = append(changes, variant[token.Snapshot]{field: "RevokedAt", snapshot: live}, variant[token.Snapshot]{field: "RevokedAt", snapshot: revoked})
		for i, change := range changes {
			of := w.device("stored " + string(rune('A'+i)))
			of.Email = w.email("stored@example.com")
			stored, _ := w.minted(s, of, w.now)
			want := change.snapshot
			want.ID = stored.Snapshot().ID
			if change.field != "Digest" && !want.Digest.IsZero() {
				want.Digest = random()
			}
			if change.field != "Device.Label" {
				want.Device.Label += string(rune('A' + i)) // one live token for each device
			}
			issued, err := token.Restore(want)
			must(t, err)
			if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Save(ctx, issued, w.event()) }); err != nil {
				if !change.cleared {
					t.Errorf("%s: got %v, want it saved", change.field, err)
				}
				continue
			}
			if got := byID(t, s, want.ID); got != want {
				t.Errorf("%s:\n got %+v\nwant %+v", change.field, got, want)
			}
		}
	})
}
