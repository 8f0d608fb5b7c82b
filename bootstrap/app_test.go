package bootstrap

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/fx"
)

// smallest are the settings without which nothing starts.
func smallest(with ...string) map[string]string {
	vars := map[string]string{"PUBLIC_URL": "https://sso.example.com", "SECRET_KEY": strings.Repeat("k", 42)}
	for i := 0; i < len(with); i += 2 {
		vars[with[i]] = with[i+1]
	}
	return vars
}

func TestService(t *testing.T) {
	file := filepath.Join(t.TempDir(), "connections.yaml")
	if err := os.WriteFile(file, []byte("connections: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, vars := range map[string]map[string]string{
		"embedded":   smallest(),
		"production": smallest("DATABASE_URL", "postgres://db/devicegate", "REDIS_URL", "redis://cache:6379"),
		"files":      smallest("CONNECTIONS_FILE", file),
		"enterprise": smallest("ENTERPRISE_API_URL", "http://inner.example", "ENTERPRISE_API_SECRET_KEY", "shared"),
		"shared":     smallest("DB_HOST", "db", "ACCOUNT_DIRECTORY", "dify", "OPS_ADDR", "localhost:0", "HSTS", "off"),
	} {
		t.Run(name+" has every part it needs", func(t *testing.T) {
			c, err := Load(vars)
			if err != nil {
				t.Fatal(err)
			}
			for _, c.WithWorker = range []bool{false, true} {
				if err := fx.ValidateApp(Service(c, slog.New(slog.DiscardHandler))); err != nil {
					t.Fatal(err)
				}
			}
			if err := fx.ValidateApp(Worker(c, slog.New(slog.DiscardHandler))); err != nil {
				t.Fatal(err)
			}
			if err := fx.ValidateApp(Administration(c, slog.New(slog.DiscardHandler))); err != nil {
				t.Fatal(err)
			}
		})
	}
}
