package porttest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

func (w *fixture) administrator() connection.Author {
	return connection.Author{Actor: audit.AdminOf("ann"), Origin: w.by, At: w.now}
}

// filled sets every field of a struct to something that is not zero, so that one
// that a store forgets is found.
func filled(t *testing.T, of reflect.Value) {
	t.Helper()
	for i := range of.NumField() {
		switch f := of.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("a value of " + of.Type().Field(i).Name)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.Uint8 {
				f.SetBytes([]byte("octets \xff of " + of.Type().Field(i).Name))
			}
		case reflect.Struct:
			filled(t, f)
		default:
			t.Fatalf("got a field %s of the kind %s, want one that the suite can fill", of.Type().Field(i).Name, f.Kind())
		}
	}
}

// settings have every field.
func (w *fixture) settings(slug string) connection.Settings {
	w.t.Helper()
	var s connection.Settings
	filled(w.t, reflect.ValueOf(&s).Elem())
	s.Slug, s.Broker, s.Domains = slug, connection.SAML, []string{slug + ".example", "bücher-" + slug + ".example"}
	s.ACSMount, s.SignRequests, s.LoginHint, s.SAML.Signed = connection.Legacy, connection.SignAlways, connection.LoginHintSubject, connection.SignedRequired
	return s
}

func (w *fixture) storedConnection(s connection.Settings) (*connection.Stored, audit.Event) {
	w.t.Helper()
	via, err := connection.New(s)
	must(w.t, err)
	return connection.Add(via, w.administrator())
}

func storeConnections(t *testing.T, open func(t *testing.T) ports.Store) {
	find := func(ctx context.Context, t *testing.T, r ports.ConnectionReader, slug string) *connection.Stored {
		t.Helper()
		all, err := r.All(ctx)
		must(t, err)
		if !slices.IsSortedFunc(all, func(a, b *connection.Stored) int {
			return slices.Compare([]byte(a.Connection().Slug()), []byte(b.Connection().Slug()))
		}) {
			t.Error("got connections in another order, want that of their slugs")
		}
		for _, c := range all {
			if c.Connection().Slug() == slug {
				return c
			}
		}
		return nil
	}
	wants := func(t *testing.T, s ports.Store, slug string, want *connection.Stored) {
		t.Helper()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got := find(ctx, t, r.Connections(), slug)
			switch {
			case want == nil && got != nil:
				t.Errorf("got %+v, want none", got.Snapshot())
			case want != nil && got == nil:
				t.Errorf("got none, want %+v", want.Snapshot())
			case want != nil && !reflect.DeepEqual(got.Snapshot(), want.Snapshot()):
				t.Errorf("got\n%+v, want\n%+v", got.Snapshot(), want.Snapshot())
			}
			return nil
		})
	}

	t.Run("kept whole with its event, changed and removed", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		c, added := w.storedConnection(w.settings(w.slug()))
		slug := c.Connection().Slug()
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Connections().Add(ctx, c, added) })
		wants(t, s, slug, c)
		seen(t, s, added, 1)

		next := w.settings(slug)
		next.Name, next.SAML.Metadata, next.Public, next.SAML.AllowSHA1 = "Other", nil, false, false
		via, err := connection.New(next)
		must(t, err)
		var edited audit.Event
		update(t, s, func(ctx context.Context, tx ports.Tx) error {
			c = find(ctx, t, tx.Connections(), slug)
			by := w.administrator()
			by.At = by.At.Add(time.Second)
			edited, err = c.Edit(via, 1, by)
			must(t, err)
			return tx.Connections().Save(ctx, c, edited)
		})
		wants(t, s, slug, c)
		seen(t, s, edited, 1)

		removed, err := c.Remove(2, w.administrator())
		must(t, err)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Connections().Remove(ctx, slug, removed) })
		wants(t, s, slug, nil)
		seen(t, s, removed, 1)
	})

	t.Run("taken and unknown ones are refused without an event", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		c, added := w.storedConnection(w.settings(w.slug()))
		slug := c.Connection().Slug()
		refuse := func(want error, event audit.Event, write func(context.Context, ports.StoredConnections) error) {
			t.Helper()
			err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return write(ctx, tx.Connections()) })
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			seen(t, s, event, 0)
		}
		refuse(connection.ErrUnknown, added, func(ctx context.Context, c2 ports.StoredConnections) error { return c2.Save(ctx, c, added) })
		refuse(connection.ErrUnknown, added, func(ctx context.Context, c2 ports.StoredConnections) error { return c2.Remove(ctx, slug, added) })
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Connections().Add(ctx, c, added) })
		twin, again := w.storedConnection(w.settings(slug))
		refuse(connection.ErrSlugTaken, again, func(ctx context.Context, c2 ports.StoredConnections) error { return c2.Add(ctx, twin, again) })
	})

	// Domains are compared in the transaction that adds: two that want the same one
	// at the same time must not both find it free.
	t.Run("of two additions at once the second sees the first", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		slugs := []string{w.slug(), w.slug()}
		saw := make([]int, len(slugs))
		var both sync.WaitGroup
		for i, slug := range slugs {
			c, added := w.storedConnection(w.settings(slug))
			both.Go(func() {
				err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
					all, err := tx.Connections().All(ctx)
					for _, other := range all {
						if slices.Contains(slugs, other.Connection().Slug()) {
							saw[i]++
						}
					}
					return errors.Join(err, tx.Connections().Add(ctx, c, added))
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if saw[0]+saw[1] != 1 {
			t.Errorf("got %v connections seen, want that one of them saw the other", saw)
		}
	})
}

func storeMetadata(t *testing.T, open func(t *testing.T) ports.Store) {
	of := func(w *fixture) connection.Connection {
		via, err := connection.New(w.settings(w.slug()))
		must(t, err)
		return via
	}
	read := connection.Metadata{
		EntityID: "https://idp.example/ä", Document: []byte("<document/>"),
		Keys: []connection.Key{
			{Fingerprint: "0011", Certificate: "aabb", Subject: "CN=idp", NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
			{Fingerprint: "2233"},
		},
		Bindings: []string{"HTTP-Redirect"}, Signed: true, Warnings: []string{"an odd key"},
	}
	wants := func(t *testing.T, s ports.Store, c *connection.MetadataCopy) {
		t.Helper()
		want := c.Snapshot()
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			got, err := r.Metadata().Of(ctx, want.Connection)
			must(t, err)
			if !reflect.DeepEqual(got.Snapshot(), want) {
				t.Errorf("got\n%+v, want\n%+v", got.Snapshot(), want)
			}
			all, err := r.Metadata().All(ctx)
			must(t, err)
			short := want
			short.Good.Document = nil
			if !slices.ContainsFunc(all, func(k connection.CopySnapshot) bool {
				k.Good.Document = nil // an empty one may come as none
				return reflect.DeepEqual(k, short)
			}) {
				t.Errorf("got %+v, want %+v among them", all, short)
			}
			return nil
		})
	}
	keep := func(t *testing.T, s ports.Store, c *connection.MetadataCopy, because audit.Event) {
		t.Helper()
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Metadata().Keep(ctx, c, because) })
	}

	t.Run("kept whole, with an event or without, and forgotten", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		via := of(w)
		view(t, s, func(ctx context.Context, r ports.Reader) error {
			if _, err := r.Metadata().Of(ctx, via.Slug()); !errors.Is(err, connection.ErrNoMetadata) {
				t.Errorf("got %v, want ErrNoMetadata", err)
			}
			return nil
		})
		c := connection.NewMetadataCopy(via)
		must(t, c.Claim(w.now, 0))
		keep(t, s, c, audit.Event{})
		wants(t, s, c)

		first := read
		first.ValidUntil = w.now.Add(hour)
		changed, err := c.Accept(first, w.administrator())
		must(t, err)
		keep(t, s, c, changed)
		wants(t, s, c)
		seen(t, s, changed, 1)

		c.Fail("the server is away: ä", w.now.Add(hour))
		keep(t, s, c, audit.Event{})
		wants(t, s, c)

		next, err := c.Accept(read, w.administrator())
		must(t, err)
		keep(t, s, c, next)
		wants(t, s, c)

		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Metadata().Forget(ctx, via.Slug()) })
		must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			if _, err := r.Metadata().Of(ctx, via.Slug()); !errors.Is(err, connection.ErrNoMetadata) {
				t.Errorf("got %v, want ErrNoMetadata", err)
			}
			return nil
		}))
	})
}
