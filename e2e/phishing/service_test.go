package phishing

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
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
	tend     func() // what an operator does from time to time
}

func (s *service) now() time.Time { return ports.SystemClock().Add(time.Duration(s.ahead.Load())) }

func (s *service) skip(d time.Duration) { s.ahead.Add(int64(d)) }

// serve runs devicegate with a preset until the test ends.
func serve(t *testing.T, preset string) *service {
	t.Helper()
	return serveWith(t, func(dir string) map[string]string { return settings(t, dir, preset) })
}

// serveWith runs devicegate with settings that may name files of a folder.
func serveWith(t *testing.T, settings func(dir string) map[string]string) *service {
	t.Helper()
	s := &service{
		t: t, tend: func() {}, public: fmt.Sprintf("http://localhost:%d", services.Port(t)), ops: fmt.Sprintf("localhost:%d", services.Port(t)),
		database: databasetest.File(t, filepath.Join(t.TempDir(), "devicegate.db")),
	}
	name, err := administrator.ParseName("operator")
	if err != nil {
		t.Fatal(err)
	}
	credential, token := administrator.NewCredential(name)
	s.admin = token.Reveal()

	around := systemtest.New(t, demoidp.Config{Now: s.now, Users: staff()}, s.public, s.database, "")
	maps.Copy(around.Env, map[string]string{"LISTEN_ADDR": s.public[len("http://"):], "OPS_ADDR": s.ops, "ADMIN_TOKENS": credential.String()})
	maps.Copy(around.Env, settings(around.Dir))
	c, err := bootstrap.Load(around.Env)
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
	around.Introduce(s.public)
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
