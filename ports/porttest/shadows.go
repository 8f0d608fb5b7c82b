package porttest

import (
	"context"
	"reflect"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

func (r readerOf) Shadows() ports.ShadowReader { return r.tx.Shadows() }

// shadow has every field.
func (w *fixture) shadow() *connection.Shadow {
	w.t.Helper()
	s, err := connection.RestoreShadow(connection.ShadowSnapshot{
		Settings: w.settings("s-" + uid.New(w.now).String()), Revision: 3, MadeAt: w.now, MadeBy: "ann", Compared: 5, Same: 4,
		Metadata:    connection.Metadata{EntityID: "https://idp.test", Document: []byte("<a>ä</a>"), ValidUntil: w.now.Add(hour)},
		Differences: []connection.ShadowDifference{{At: w.now.UTC(), RequestID: "request", What: "email", Now: "a@b.example", Shadow: "c@b.example"}},
	})
	must(w.t, err)
	return s
}

func storeShadows(t *testing.T, open func(t *testing.T) ports.Store) {
	wants := func(t *testing.T, s ports.Store, want *connection.Shadow) {
		t.Helper()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Shadows().Of(ctx, want.Connection().Slug())
			must(t, err)
			a, b := got.Snapshot(), want.Snapshot()
			if !a.MadeAt.Equal(b.MadeAt) || !a.Metadata.ValidUntil.Equal(b.Metadata.ValidUntil) {
				t.Errorf("got times %s and %s, want %s and %s", a.MadeAt, a.Metadata.ValidUntil, b.MadeAt, b.Metadata.ValidUntil)
			}
			a.MadeAt, a.Metadata.ValidUntil = b.MadeAt, b.Metadata.ValidUntil
			for i := range a.Differences {
				a.Differences[i].At = a.Differences[i].At.UTC()
			}
			if !reflect.DeepEqual(a, b) {
				t.Errorf("got %+v, want %+v", a, b)
			}
			return nil
		})
	}
	put := func(w *fixture, s ports.Store, shadow *connection.Shadow) {
		update(w.t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Shadows().Put(ctx, shadow, w.event()) })
	}

	t.Run("one is found whole, and replaced", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		first := w.shadow()
		put(w, s, first)
		wants(t, s, first)
		next := first.Snapshot()
		next.Compared, next.Same, next.Differences, next.Metadata = 0, 0, nil, connection.Metadata{}
		next.Settings.Name, next.Revision, next.MadeAt, next.MadeBy = "Other", 4, w.now.Add(hour), "ben"
		second, err := connection.RestoreShadow(next)
		must(t, err)
		put(w, s, second)
		wants(t, s, second)
	})

	t.Run("counts are kept", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		shadow := w.shadow()
		put(w, s, shadow)
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			found, err := tx.Shadows().Of(ctx, shadow.Connection().Slug())
			must(t, err)
			found.Compare(connection.Judged{Reason: "expired"}, connection.Judged{}, "request 2", w.now.UTC())
			shadow.Compare(connection.Judged{Reason: "expired"}, connection.Judged{}, "request 2", w.now.UTC())
			return tx.Shadows().Count(ctx, found)
		})
		wants(t, s, shadow)
	})

	t.Run("one that is dropped or forgotten is gone", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		for name, end := range map[string]func(ctx context.Context, tx ports.Tx, slug string) error{
			"dropped": func(ctx context.Context, tx ports.Tx, slug string) error {
				return tx.Shadows().Drop(ctx, slug, w.event())
			},
			"forgotten": func(ctx context.Context, tx ports.Tx, slug string) error { return tx.Shadows().Forget(ctx, slug) },
		} {
			t.Run(name, func(t *testing.T) {
				shadow := w.shadow()
				put(w, s, shadow)
				update(t, s, func(ctx context.Context, tx ports.Tx) error { return end(ctx, tx, shadow.Connection().Slug()) })
				view(t, s, func(ctx context.Context, r ports.Reader) error {
					_, err := r.Shadows().Of(ctx, shadow.Connection().Slug())
					is(t, err, connection.ErrNoShadow)
					return nil
				})
			})
		}
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			is(t, tx.Shadows().Drop(ctx, "s-there-is-none", w.event()), connection.ErrNoShadow)
			return tx.Shadows().Forget(ctx, "s-there-is-none")
		})
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"Put": func(w *fixture, _ ports.Store) eventWrite {
			shadow := w.shadow()
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Shadows().Put(ctx, shadow, event)
			}
		},
		"Drop": func(w *fixture, s ports.Store) eventWrite {
			shadow := w.shadow()
			put(w, s, shadow)
			return func(ctx context.Context, tx ports.Tx, event audit.Event) error {
				return tx.Shadows().Drop(ctx, shadow.Connection().Slug(), event)
			}
		},
	})
}
