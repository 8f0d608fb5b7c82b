package config

import (
	"strings"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/domain/client"
)

// loadClients reads the clients that the environment names, and checks those of
// CLIENTS_FILE.
func (c *Config) loadClients(e environment, wrong *problems) {
	var named []client.Client
	seen := map[string]bool{}
	for _, id := range e.KnownClientIDs {
		id = strings.TrimSpace(id)
		one, err := client.New(client.Settings{ID: id, Source: client.Environment})
		if err != nil {
			wrong.add("OPENAPI_KNOWN_CLIENT_IDS", "%q: a client_id has 1 to 64 characters of printable ASCII, here without < and >", id)
			continue
		}
		if !seen[id] {
			named = append(named, one)
		}
		seen[id] = true
	}
	c.Clients, _ = client.NewDirectory(named...) // none is there twice
	if c.ClientsFile = e.ClientsFile; e.ClientsFile != "" {
		_, err := files.ReadClients(e.ClientsFile)
		wrong.named(names{}, err)
	}
}
