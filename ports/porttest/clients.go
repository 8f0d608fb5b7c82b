package porttest

import (
	"errors"
	"testing"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/ports"
)

// ClientsUnderTest is an adapter, and how a test changes what it knows.
type ClientsUnderTest struct {
	Clients ports.Clients
	Replace func(ids ...string) // returns when they are served
}

// Clients tests a [ports.Clients]. Open returns one that knows none; it is called
// once for each subtest.
func Clients(t *testing.T, open func(t *testing.T) ClientsUnderTest) {
	find := func(t *testing.T, c ports.Clients, id string) error {
		all, err := c.Clients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = all.Find(id)
		return err
	}

	t.Run("clients are those of the configuration", func(t *testing.T) {
		c := open(t)
		if err := find(t, c.Clients, "a"); !errors.Is(err, client.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
		c.Replace("a", "b")
		if err := errors.Join(find(t, c.Clients, "a"), find(t, c.Clients, "b")); err != nil {
			t.Errorf("got %v, want a and b", err)
		}
		c.Replace("b")
		if err := find(t, c.Clients, "a"); !errors.Is(err, client.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
	})

	t.Run("clients that were returned do not change", func(t *testing.T) {
		c := open(t)
		c.Replace("a")
		before, err := c.Clients.Clients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Replace("b")
		if _, err := before.Find("a"); err != nil {
			t.Errorf("got %v, want a", err)
		}
	})
}
