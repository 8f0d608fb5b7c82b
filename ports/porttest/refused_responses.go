package porttest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func (r readerOf) RefusedResponses() ports.RefusedResponseReader { return r.tx.RefusedResponses() }

// refused is a response of the given connection.
func (w *fixture) refused(slug string, at time.Time) explain.Kept {
	return explain.Kept{
		Reference: uid.New(at).String(), Connection: slug, Mount: connection.Legacy, RequestID: "_request", RequestedAt: at.Add(-time.Minute),
		ReceivedAt: at, Reason: "expired", Response: "PHNhbWxwOlJlc3BvbnNlLz4=",
	}
}

func (w *fixture) keep(s ports.Store, all ...explain.Kept) {
	w.t.Helper()
	update(w.t, s, func(ctx context.Context, tx ports.Tx) error {
		for _, k := range all {
			must(w.t, tx.RefusedResponses().Keep(ctx, k, w.event()))
		}
		return nil
	})
}

// kept counts those of the given ones that can be found, and wants them unchanged.
func (w *fixture) kept(s ports.Store, all ...explain.Kept) (found int) {
	w.t.Helper()
	view(w.t, s, func(ctx context.Context, r ports.Reader) error {
		found = 0
		for _, k := range all {
			got, err := r.RefusedResponses().ByReference(ctx, k.Reference)
			if err != nil {
				is(w.t, err, explain.ErrNotKept)
				continue
			}
			found++
			if !got.ReceivedAt.Equal(k.ReceivedAt) || !got.RequestedAt.Equal(k.RequestedAt) {
				w.t.Errorf("got times %s and %s, want %s and %s", got.ReceivedAt, got.RequestedAt, k.ReceivedAt, k.RequestedAt)
			}
			got.ReceivedAt, got.RequestedAt = k.ReceivedAt, k.RequestedAt
			equal(w.t, got, k)
		}
		return nil
	})
	return found
}

func storeRefusedResponses(t *testing.T, open func(t *testing.T) ports.Store) {
	slug := func() string { return "c-" + uid.New(time.Now()).String() }

	t.Run("one is found by its reference, whole", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		k := w.refused(slug(), w.now)
		k.Response = strings.Repeat("PHNhbWxwOlJlc3BvbnNlLz4=", 2000)
		w.keep(s, k)
		equal(t, w.kept(s, k), 1)
		equal(t, w.kept(s, w.refused(slug(), w.now)), 0)
	})

	t.Run("one is found by the end of its reference, which the page shows", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		k, latest := w.refused(slug(), w.now), w.refused(slug(), w.now.Add(time.Second))
		latest.Reference = "another-" + k.Reference
		w.keep(s, k, latest)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.RefusedResponses().ByReference(ctx, request.ShortID(k.Reference))
			must(t, err)
			equal(t, got.Reference, latest.Reference)
			for _, none := range []string{request.ShortID(uid.New(w.now).String()), "____________", "%%%%%%%%%%%%", k.Reference[len(k.Reference)-8:]} {
				_, err = r.RefusedResponses().ByReference(ctx, none)
				is(t, err, explain.ErrNotKept)
			}
			return nil
		})
	})

	t.Run("the first of a reference stays", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		first := w.refused(slug(), w.now)
		second := first
		second.Response, second.Connection = "another", slug()
		w.keep(s, first, second)
		equal(t, w.kept(s, first), 1)
	})

	t.Run("one that stays too large is left out", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		k := w.refused(slug(), w.now)
		var noise strings.Builder
		for noise.Len() < 3*explain.KeptSize {
			noise.WriteString(rand.Text())
		}
		k.Response = noise.String()
		w.keep(s, k)
		equal(t, w.kept(s, k), 0)
	})

	t.Run("the oldest of a connection make room", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		other := w.refused(slug(), w.now)
		w.keep(s, other)
		all, of := make([]explain.Kept, explain.KeptPerConnection+5), slug()
		for i := range all {
			all[i] = w.refused(of, w.now.Add(time.Duration(i)*time.Second))
			w.keep(s, all[i])
		}
		equal(t, w.kept(s, all[:5]...), 0)
		equal(t, w.kept(s, all[5:]...), explain.KeptPerConnection)
		equal(t, w.kept(s, other), 1)
	})

	t.Run("there is a bound for all connections", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		w.now = w.now.AddDate(50, 0, 0) // later than those of all other tests
		all := make([]explain.Kept, explain.KeptInAll+10)
		for i := range all {
			all[i] = w.refused(fmt.Sprintf("%s-%d", slug(), i), w.now.Add(time.Duration(i)*time.Second))
		}
		found := 0
		for some := range slices.Chunk(all, 50) { // each within the time of a call
			w.keep(s, some...)
		}
		for some := range slices.Chunk(all, 50) {
			found += w.kept(s, some...)
		}
		equal(t, found, explain.KeptInAll)
		equal(t, w.kept(s, all[:10]...), 0)
		deleted(t, s, received(w.now.AddDate(1, 0, 0)), nil)
	})

	t.Run("those that came before a time are deleted, a few at once", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		w.now = w.now.AddDate(-10, 0, 0)
		before, at := w.refused(slug(), w.now.Add(-time.Second)), w.refused(slug(), w.now)
		w.keep(s, before, at)
		deleted(t, s, received(w.now), []int{1, 0})
		equal(t, w.kept(s, before), 0)
		equal(t, w.kept(s, at), 1)
		w.keep(s, w.refused(slug(), w.now), w.refused(slug(), w.now), w.refused(slug(), w.now), w.refused(slug(), w.now))
		limited(t, s, received(w.now.Add(time.Second)))
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Keep": func(w *fixture, _ ports.Store) eventWrite {
			k := w.refused(slug(), w.now)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.RefusedResponses().Keep(ctx, k, event)
			}
		},
	})
}

func received(before time.Time) remove {
	return func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
		return tx.RefusedResponses().DeleteReceived(ctx, before, limit)
	}
}
