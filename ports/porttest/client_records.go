package porttest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/ports"
)

func storeClients(t *testing.T, open func(t *testing.T) ports.Store) {
	icon, err := client.ParseIcon([]byte("\x89PNG\r\n\x1a\n\x00\xff"))
	must(t, err)
	whole := func() client.Client {
		return client.Must(client.Settings{
			ID: "c-" + random().Hex()[:16], Name: "Dify & Co", Publisher: "ä", Icon: icon, HomePage: "https://example.com/",
			Grants: []client.Grant{client.DeviceCode}, Scopes: scope.Restore("apps:run orders:read"),
			ScopeTexts: client.ScopeTexts{"orders:read": {"en": "see “orders”", "ja": "注文"}}, TokenLife: 90 * time.Minute,
			Label: "A terminal", Connections: []string{"acme", "beta"}, Suspended: true, Source: client.Database,
		})
	}
	byID := func(t *testing.T, s ports.Store, id string) (found ports.ClientRecord, err error) {
		t.Helper()
		must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			found, err = r.Clients().ByID(ctx, id)
			return nil
		}))
		return found, err
	}
	added := func(t *testing.T, s ports.Store, w *fixture) client.Client {
		t.Helper()
		c := whole()
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Clients().Add(ctx, c, w.event()) })
		return c
	}

	t.Run("a client is found with every field", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		c := added(t, s, w)
		for i := range reflect.TypeFor[client.Settings]().NumField() {
			if reflect.ValueOf(c.Settings()).Field(i).IsZero() {
				t.Fatalf("got no value of the field %s to test with, want one", reflect.TypeFor[client.Settings]().Field(i).Name)
			}
		}
		got, err := byID(t, s, c.ID())
		if err != nil || !reflect.DeepEqual(got.Client, c) || got.Version != 1 || got.ChangedAt.IsZero() {
			t.Errorf("got %+v, %v, want %+v in version 1", got, err, c)
		}
		other := added(t, s, w)
		var ids []string
		must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			all, err := r.Clients().All(ctx)
			for _, one := range all {
				if id := one.Client.ID(); id == c.ID() || id == other.ID() {
					ids = append(ids, id)
				}
			}
			return err
		}))
		if len(ids) != 2 || ids[0] > ids[1] {
			t.Errorf("got %v, want both in their order", ids)
		}
	})

	t.Run("a client is changed, and counts its versions", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		c := added(t, s, w)
		plain := client.Must(client.Settings{ID: c.ID(), Source: client.Database})
		for range 2 {
			update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Clients().Save(ctx, plain, w.event()) })
		}
		got, err := byID(t, s, c.ID())
		if err != nil || !reflect.DeepEqual(got.Client, plain) || got.Version != 3 {
			t.Errorf("got %+v, %v, want %+v in version 3", got, err, plain)
		}
	})

	t.Run("a client is removed", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		c := added(t, s, w)
		update(t, s, func(ctx context.Context, tx ports.Tx) error { return tx.Clients().Remove(ctx, c.ID(), w.event()) })
		if _, err := byID(t, s, c.ID()); !errors.Is(err, ports.ErrUnknownClient) {
			t.Errorf("got %v, want ErrUnknownClient", err)
		}
	})

	t.Run("taken and unknown ids are refused, and their events are not kept", func(t *testing.T) {
		s, w := open(t), newFixture(t)
		taken, unknown := added(t, s, w), whole()
		for name, c := range map[string]struct {
			write func(ctx context.Context, tx ports.Tx, event audit.Event) error
			want  error
		}{
			"add":  {func(ctx context.Context, tx ports.Tx, e audit.Event) error { return tx.Clients().Add(ctx, taken, e) }, ports.ErrClientTaken},
			"save": {func(ctx context.Context, tx ports.Tx, e audit.Event) error { return tx.Clients().Save(ctx, unknown, e) }, ports.ErrUnknownClient},
			"remove": {func(ctx context.Context, tx ports.Tx, e audit.Event) error {
				return tx.Clients().Remove(ctx, unknown.ID(), e)
			}, ports.ErrUnknownClient},
		} {
			event := w.event()
			update(t, s, func(ctx context.Context, tx ports.Tx) error {
				if err := c.write(ctx, tx, event); !errors.Is(err, c.want) {
					t.Errorf("%s: got %v, want %v", name, err, c.want)
				}
				return nil
			})
			seen(t, s, event, 0)
		}
	})

	keepsEvents(t, open, map[string]func(w *fixture, s ports.Store) eventWrite{
		"adding a client": func(*fixture, ports.Store) eventWrite {
			c := whole()
			return func(ctx context.Context, tx ports.Tx, e audit.Event) error { return tx.Clients().Add(ctx, c, e) }
		},
		"changing a client": func(w *fixture, s ports.Store) eventWrite {
			c := added(t, s, w)
			return func(ctx context.Context, tx ports.Tx, e audit.Event) error { return tx.Clients().Save(ctx, c, e) }
		},
		"removing a client": func(w *fixture, s ports.Store) eventWrite {
			c := added(t, s, w)
			return func(ctx context.Context, tx ports.Tx, e audit.Event) error {
				return tx.Clients().Remove(ctx, c.ID(), e)
			}
		},
	})
}
