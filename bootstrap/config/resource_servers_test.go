package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/secret"
)

func TestIntrospectionClients(t *testing.T) {
	long := strings.Repeat("s", 32)
	knows := func(t *testing.T, c Config, id, key string) {
		t.Helper()
		got, err := c.ResourceServers.Authenticate(resource.Credentials{ID: id, Secret: secret.New("secret", key)})
		if err != nil || got.ID != id {
			t.Errorf("%s: got %q, %v, want it known", id, got.ID, err)
		}
	}
	t.Run("none", func(t *testing.T) {
		c, err := Load(smallest())
		if err != nil || !c.ResourceServers.IsZero() || c.Limits.Introspections.Max != 60_000 {
			t.Errorf("got %+v, %d a minute, %v, want none and 60000", c.ResourceServers, c.Limits.Introspections.Max, err)
		}
	})
	t.Run("several, one with two secrets", func(t *testing.T) {
		c, err := Load(smallest("INTROSPECTION_CLIENTS", "api:"+long+", api:2:"+long+",billing:short", "INTROSPECTION_RATE_LIMIT", "0"))
		if err != nil {
			t.Fatal(err)
		}
		knows(t, c, "api", long)
		knows(t, c, "api", "2:"+long)
		knows(t, c, "billing", "short")
		if len(c.Warnings) != 1 || c.Warnings[0].Setting != "INTROSPECTION_CLIENTS" || !strings.Contains(c.Warnings[0].Text, "billing") {
			t.Errorf("got the warnings %v, want one about the short secret", c.Warnings)
		}
		if c.Limits.Introspections.Max != 0 {
			t.Errorf("got a limit of %d, want none", c.Limits.Introspections.Max)
		}
	})
	t.Run("from a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "clients")
		if err := os.WriteFile(file, []byte("api:"+long+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(smallest("INTROSPECTION_CLIENTS_FILE", file))
		if err != nil {
			t.Fatal(err)
		}
		knows(t, c, "api", long)
	})
	for _, wrong := range []string{
		"hunter2", ":hunter2", "hunter2:", "api:x,,b:hunter2", "api:x,hunter2",
		`api:"hunter2"`, "api:'hunter2'", "api: hunter2", "api:x,b:${HUNTER2}", "api:hunter2\u200b,b:x", // F51
		strings.Repeat("a", 65) + ":hunter2",
	} {
		_, err := Load(smallest("INTROSPECTION_CLIENTS", wrong))
		if err == nil || !strings.HasPrefix(err.Error(), "INTROSPECTION_CLIENTS: entry ") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line without the secret", wrong, err)
		}
	}
}
