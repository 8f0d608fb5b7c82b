package memory

import (
	"testing"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestConnections(t *testing.T) {
	porttest.Connections(t, func(t *testing.T) porttest.ConnectionsUnderTest {
		c := NewConnections(connection.Directory{})
		return porttest.ConnectionsUnderTest{Connections: c, Replace: func(slugs ...string) {
			var all []connection.Connection
			for _, slug := range slugs {
				via, err := connection.New(connection.Settings{Slug: slug, Domains: []string{slug + ".example"}})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, via)
			}
			d, err := connection.NewDirectory(all...)
			if err != nil {
				t.Fatal(err)
			}
			c.Replace(d)
		}}
	})
}

func TestClients(t *testing.T) {
	porttest.Clients(t, func(t *testing.T) porttest.ClientsUnderTest {
		c := NewClients(client.Directory{})
		return porttest.ClientsUnderTest{Clients: c, Replace: func(ids ...string) {
			var all []client.Client
			for _, id := range ids {
				all = append(all, client.Must(client.Settings{ID: id}))
			}
			d, err := client.NewDirectory(all...)
			if err != nil {
				t.Fatal(err)
			}
			c.Replace(d)
		}}
	})
}
