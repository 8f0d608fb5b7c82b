package porttest

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// redeemed is a token that s holds, with the authorization that was redeemed for
// it.
func (w *fixture) redeemed(s ports.Store, of token.Device, connection, from string, at time.Time) (*token.AccessToken, token.Secret) {
	w.t.Helper()
	state := w.added(s).Snapshot()
	state.Status, state.Subject, state.TokenID, state.DecidedAt = device.Redeemed, w.ann, uid.New(at), at
	state.Connection, state.RedeemedAt, state.RedeemedFrom = connection, at, netip.MustParseAddr(from)
	w.saved(s, state)
	order := token.Order{ID: state.TokenID, Authorization: state.ID, Device: of, Subject: "external_sso", Lifetime: token.Lifetime(hour)}
	issued, clear, minted := token.Mint(order, at, w.by)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, issued, minted) })
	return issued, clear
}

// used records a use of a token that s holds.
func (w *fixture) used(s ports.Store, t *token.AccessToken, at time.Time) {
	w.t.Helper()
	_, _, err := t.RecordUse(at, w.by)
	must(w.t, err)
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().SaveUse(ctx, t) })
}

func storeMatchingTokens(t *testing.T, open func(t *testing.T) ports.Store) {
	matching := func(t *testing.T, s ports.Store, wanted token.Filter, ended bool, at time.Time, offset, limit int) (labels []string, total int) {
		t.Helper()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			found, n, err := r.Tokens().Matching(ctx, wanted, ended, at, offset, limit)
			must(t, err)
			labels, total = nil, n
			for _, one := range found {
				labels = append(labels, one.Snapshot().Device.Label)
			}
			return nil
		})
		return labels, total
	}

	t.Run("a filter matches by each of its fields", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		other := w.device("b")
		other.Email, other.ClientID = w.email("bob@example.com"), "tv"
		a, _ := w.redeemed(s, w.device("a"), "acme", "192.0.2.7", w.now)
		w.redeemed(s, other, "beta", "2001:db8::7", w.now.Add(10*time.Minute))
		w.minted(s, w.device("c"), w.now.Add(20*time.Minute)) // its authorization is not kept
		elsewhere := w.device("d")
		elsewhere.Issuer += "/other"
		w.minted(s, elsewhere, w.now)
		w.used(s, a, w.now.Add(30*time.Minute))
		minute := func(n int) time.Time { return w.now.Add(time.Duration(n) * time.Minute) }
		for _, c := range []struct {
			filter token.Filter
			want   []string
		}{
			{token.Filter{}, []string{"c", "b", "a"}},
			{token.Filter{Email: other.Email}, []string{"b"}},
			{token.Filter{Connection: "acme"}, []string{"a"}},
			{token.Filter{Connection: "gamma"}, nil},
			{token.Filter{ClientID: "difyctl"}, []string{"c", "a"}},
			{token.Filter{Label: "b"}, []string{"b"}},
			{token.Filter{Label: "B"}, nil},
			{token.Filter{IssuedAfter: minute(10)}, []string{"c", "b"}},
			{token.Filter{IssuedBefore: minute(10)}, []string{"a"}},
			{token.Filter{UsedAfter: minute(30)}, []string{"a"}},
			{token.Filter{UsedAfter: minute(31)}, nil},
			{token.Filter{UsedBefore: minute(30)}, []string{"c", "b"}},
			{token.Filter{UsedBefore: minute(20)}, []string{"b"}},
			{token.Filter{FetchedFrom: netip.MustParsePrefix("192.0.2.0/24")}, []string{"a"}},
			{token.Filter{FetchedFrom: netip.MustParsePrefix("192.0.3.0/24")}, nil},
			{token.Filter{FetchedFrom: netip.MustParsePrefix("2001:db8::/32")}, []string{"b"}},
			{token.Filter{FetchedFrom: netip.MustParsePrefix("0.0.0.0/0")}, []string{"a"}},
			{token.Filter{ClientID: "difyctl", FetchedFrom: netip.MustParsePrefix("2001:db8::/32")}, nil},
		} {
			c.filter.Issuer = w.issuer
			if got, total := matching(t, s, c.filter, false, minute(31), 0, 10); !slices.Equal(got, c.want) || total != len(c.want) {
				t.Errorf("%s: got %d, %q, want %q", c.filter, total, got, c.want)
			}
		}
		all := token.Filter{Issuer: w.issuer}
		if got, total := matching(t, s, all, false, minute(31), 1, 1); !slices.Equal(got, []string{"b"}) || total != 3 {
			t.Errorf("the second page: got %d, %q, want 3 and b", total, got)
		}
		if got, _ := matching(t, s, all, false, minute(65), 0, 10); !slices.Equal(got, []string{"c", "b"}) {
			t.Errorf("when the first one has expired: got %q, want c and b", got)
		}
		if got, _ := matching(t, s, all, true, minute(65), 0, 10); !slices.Equal(got, []string{"c", "b", "a"}) {
			t.Errorf("ended ones, too: got %q, want all three", got)
		}
	})

	t.Run("RevokeMatching ends what matches, with one event", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		filter := token.Filter{Issuer: w.issuer, ClientID: "difyctl"}
		want := map[uid.ID]secret.Digest{}
		for i := range 5 {
			issued, clear := w.redeemed(s, w.device(fmt.Sprint("in ", i)), "acme", "192.0.2.7", w.now)
			want[issued.Snapshot().ID] = clear.Digest()
		}
		tv := w.device("out")
		tv.ClientID = "tv"
		outside, outsideSecret := w.minted(s, tv, w.now)
		expired, expiredSecret := w.minted(s, w.device("expired"), w.now.Add(-hour))
		at := w.now.Add(time.Minute)
		event, count := w.event(), 0
		var digests []secret.Digest
		revoke := func(ctx context.Context, tx ports.Tx) (err error) {
			digests, err = tx.Tokens().RevokeMatching(ctx, filter, at, func(n int) audit.Event {
				count = n
				return event
			})
			return err
		}
		update(t, s, revoke)
		if len(digests) != len(want) || count != len(want) {
			t.Fatalf("got %d digests and %d revoked, want %d", len(digests), count, len(want))
		}
		for _, digest := range want {
			if !slices.Contains(digests, digest) {
				t.Errorf("got digests without %s, want it among them", digest.Hex())
			}
		}
		seen(t, s, event, 1)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			for id, digest := range want {
				got, err := r.Tokens().ByID(ctx, id)
				must(t, err)
				if state := got.Snapshot(); !state.RevokedAt.Equal(at) || !state.Digest.IsZero() {
					t.Errorf("got %+v, want it revoked", state)
				}
				_, err = r.Tokens().ByDigest(ctx, digest)
				is(t, err, token.ErrUnknown)
			}
			got, err := r.Tokens().ByDigest(ctx, outsideSecret.Digest())
			must(t, err)
			equal(t, got.Snapshot(), outside.Snapshot())
			got, err = r.Tokens().ByDigest(ctx, expiredSecret.Digest())
			must(t, err)
			equal(t, got.Snapshot(), expired.Snapshot())
			return nil
		})

		event = w.event()
		update(t, s, revoke)
		if len(digests) != 0 {
			t.Errorf("the second time: got %d digests, want none", len(digests))
		}
		seen(t, s, event, 1)
		if count != 0 {
			t.Errorf("the second time: got %d revoked, want none", count)
		}
	})

	t.Run("RevokeMatching is undone with its transaction", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		_, clear := w.minted(s, w.device("laptop"), w.now)
		event := w.event()
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			_, err := tx.Tokens().RevokeMatching(ctx, token.Filter{Issuer: w.issuer}, w.now, func(int) audit.Event { return event })
			must(t, err)
			return context.Canceled
		})
		is(t, err, context.Canceled)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			_, err := r.Tokens().ByDigest(ctx, clear.Digest())
			return err
		})
		seen(t, s, event, 0)
	})

	t.Run("Unfetched finds what can still lead to a token", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		state := func(change func(*device.Snapshot)) uid.ID {
			of := w.added(s).Snapshot()
			of.Status, of.Subject, of.TokenID, of.DecidedAt, of.Connection = device.Approved, w.ann, uid.New(w.now), w.now, "acme"
			change(&of)
			w.saved(s, of)
			return of.ID
		}
		approved := state(func(*device.Snapshot) {})
		undelivered := state(func(s *device.Snapshot) { s.Status, s.RedeemedAt, s.Undelivered = device.Redeemed, w.now, true })
		state(func(s *device.Snapshot) { s.Status, s.RedeemedAt = device.Redeemed, w.now })
		state(func(s *device.Snapshot) { s.Status, s.TokenID = device.Denied, uid.ID{} })
		state(func(s *device.Snapshot) {
			s.Status, s.RedeemedAt, s.Undelivered, s.UndoneAt = device.Redeemed, w.now, true, w.now
		})
		bob := state(func(s *device.Snapshot) { s.Subject, s.Connection = w.subject("bob@example.com", ""), "beta" })
		tv := state(func(s *device.Snapshot) { s.ClientID, s.Label = "tv", "screen" })
		far := state(func(s *device.Snapshot) { s.RequestedFrom = netip.MustParseAddr("2001:db8::7") })
		w.added(s) // pending
		for _, c := range []struct {
			filter token.Filter
			want   []uid.ID
		}{
			{token.Filter{}, []uid.ID{approved, undelivered, bob, tv, far}},
			{token.Filter{Email: w.email("bob@example.com")}, []uid.ID{bob}},
			{token.Filter{Connection: "beta"}, []uid.ID{bob}},
			{token.Filter{ClientID: "tv"}, []uid.ID{tv}},
			{token.Filter{Label: "screen"}, []uid.ID{tv}},
			{token.Filter{FetchedFrom: netip.MustParsePrefix("2001:db8::/64")}, []uid.ID{far}},
			{token.Filter{Label: "none"}, nil},
		} {
			c.filter.Issuer = w.issuer
			view(t, s, func(ctx context.Context, r ports.Reader) error {
				found, err := r.Authorizations().Unfetched(ctx, c.filter, 10)
				must(t, err)
				var got []uid.ID
				for _, a := range found {
					got = append(got, a.Snapshot().ID)
				}
				slices.SortFunc(got, func(a, b uid.ID) int { return slices.Index(c.want, a) - slices.Index(c.want, b) })
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: got %v, want %v", c.filter, got, c.want)
				}
				return nil
			})
		}
	})
}
