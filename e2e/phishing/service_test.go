package phishing

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys/spkeystest"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
)

// service is one devicegate with its identity provider. Its clock is the test's.
type service struct {
	t        *testing.T
	public   string
	ops      string // administrators' API
	admin    string // token for it
	database string
	ahead    atomic.Int64
}

func (s *service) now() time.Time { return ports.SystemClock().Add(time.Duration(s.ahead.Load())) }

func (s *service) skip(d time.Duration) { s.ahead.Add(int64(d)) }

// serve runs devicegate with a preset until the test ends.
func serve(t *testing.T, preset string) *service {
	t.Helper()
	dir := t.TempDir()
	s := &service{
		t: t, public: fmt.Sprintf("http://localhost:%d", services.Port(t)), ops: fmt.Sprintf("localhost:%d", services.Port(t)),
		database: "sqlite:" + filepath.Join(dir, "devicegate.db"),
	}
	name, err := administrator.ParseName("operator")
	if err != nil {
		t.Fatal(err)
	}
	credential, token := administrator.NewCredential(name)
	s.admin = token.Reveal()

	server := httptest.NewUnstartedServer(nil)
	idp, err := demoidp.New(demoidp.Config{
		URL: "http://" + server.Listener.Addr().String(), Now: s.now, Users: staff(),
		Key: spkeystest.Pair(t, "identity provider").Key(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = idp.Handler()
	server.Start()
	t.Cleanup(server.Close)

	write(t, dir, "saml-sp.pem", spkeystest.PEM(t, "service provider"))
	write(t, dir, "acme.xml", idp.Metadata())
	write(t, dir, "connections.yaml", []byte("connections:\n  - {slug: acme, name: ACME Corp, metadata_file: acme.xml, domains: [acme.example], public: true}\n"))
	key := make([]byte, 48)
	_, _ = rand.Read(key)
	env := map[string]string{
		"LISTEN_ADDR": s.public[len("http://"):], "PUBLIC_URL": s.public, "DATABASE_URL": s.database, "REDIS_URL": "", "DATA_DIR": dir,
		"SECRET_KEY": base64.StdEncoding.EncodeToString(key), "CONNECTIONS_FILE": filepath.Join(dir, "connections.yaml"),
		"TRUSTED_PROXIES": "127.0.0.0/8,::1", "SHUTDOWN_DELAY": "0s", "OPS_ADDR": s.ops, "ADMIN_TOKENS": credential.String(),
	}
	for name, value := range settings(t, dir, preset) {
		env[name] = value
	}
	c, err := bootstrap.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	c.Clock = s.now
	app := fx.New(bootstrap.Service(c, slog.New(slog.NewJSONHandler(io.Discard, nil))))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	resp, err := http.Get(s.public + "/saml/metadata")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	metadata, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := idp.Register(metadata); err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// events counts the audit events of a kind.
func (s *service) events(kind audit.Kind) int {
	s.t.Helper()
	db, err := database.Open(database.Config{URL: s.database})
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	n, err := db.NewSelect().Table("audit_events").Where("event = ?", kind).Count(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return int(n)
}
