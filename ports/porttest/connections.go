package porttest

import (
	"slices"
	"sync"
	"testing"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// ConnectionsUnderTest is an adapter, and how a test changes what it knows.
type ConnectionsUnderTest struct {
	Connections ports.Connections
	Replace     func(slugs ...string) // by these, in this order; returns when they are served
}

// Connections tests a [ports.Connections]. Open returns one that knows none; it
// is called once for each subtest.
func Connections(t *testing.T, open func(t *testing.T) ConnectionsUnderTest) {
	slugs := func(t *testing.T, c ports.Connections) (all []string) {
		d, err := c.Connections(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, via := range d.All() {
			all = append(all, via.Slug())
		}
		return all
	}

	t.Run("connections are those of the configuration, in its order", func(t *testing.T) {
		c := open(t)
		if got := slugs(t, c.Connections); len(got) != 0 {
			t.Errorf("got %v, want none", got)
		}
		for _, want := range [][]string{{"b", "a"}, {"a", "b", "c"}, {"c"}} {
			c.Replace(want...)
			if got := slugs(t, c.Connections); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})

	t.Run("a directory that was returned does not change", func(t *testing.T) {
		c := open(t)
		c.Replace("a", "b")
		before, err := c.Connections.Connections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Replace("c")
		if _, err := before.Find("a"); err != nil || len(before.All()) != 2 {
			t.Errorf("got %v, %v, want a and b", before.All(), err)
		}
		after, err := c.Connections.Connections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := after.Find("a"); err != connection.ErrUnknown {
			t.Errorf("got %v, want ErrUnknown", err)
		}
	})

	t.Run("connections are replaced all at once", func(t *testing.T) {
		c := open(t)
		c.Replace("a", "b")
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					if got := slugs(t, c.Connections); !slices.Equal(got, []string{"a", "b"}) && !slices.Equal(got, []string{"c", "d"}) {
						t.Errorf("got %v, want a and b, or c and d", got)
						return
					}
				}
			})
		}
		for range 5 {
			c.Replace("c", "d")
			c.Replace("a", "b")
		}
		close(done)
		readers.Wait()
	})
}
