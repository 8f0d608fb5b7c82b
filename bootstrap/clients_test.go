package bootstrap

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// startedWith is a started application that populates targets.
func startedWith(t *testing.T, options fx.Option, targets ...any) error {
	t.Helper()
	app := fx.New(options, fx.Populate(targets...))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	if err := app.Start(t.Context()); err != nil {
		return err
	}
	t.Cleanup(func() { _ = app.Stop(t.Context()) })
	return nil
}

func TestARunningReplicaHearsOfAClientThatACommandChanged(t *testing.T) {
	dir := t.TempDir()
	vars := smallest("DATABASE_URL", databasetest.File(t, filepath.Join(dir, "gate.db")), "DATA_DIR", dir)
	c, err := Load(vars)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	var served ports.Clients
	if err := startedWith(t, Handler(c, log), &served); err != nil {
		t.Fatal(err)
	}
	var configure *application.ConfigureClient
	if err := startedWith(t, Administration(c, log), &configure); err != nil {
		t.Fatal(err)
	}
	change := func(wanted application.ClientChange) {
		t.Helper()
		if _, err := configure.Execute(t.Context(), wanted, audit.AdminOf("ops"), request.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	usable := func(id string) error {
		all, err := served.Clients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = all.Usable(id)
		return err
	}
	change(application.ClientChange{ID: "cli", Add: true})
	porttest.Eventually(t, "an added client is known", func() bool { return usable("cli") == nil })
	change(application.ClientChange{ID: "difyctl", Edit: func(s *client.Settings) { s.Suspended = true }})
	porttest.Eventually(t, "a suspended client is refused", func() bool { return usable("difyctl") == client.ErrSuspended })
	change(application.ClientChange{ID: "cli", Remove: true})
	porttest.Eventually(t, "a removed client is unknown", func() bool { return usable("cli") == client.ErrUnsupported })
}

func TestAClientInTheFileAndInTheDatabaseStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	vars := smallest("DATABASE_URL", databasetest.File(t, filepath.Join(dir, "gate.db")), "DATA_DIR", dir)
	c, err := Load(vars)
	if err != nil {
		t.Fatal(err)
	}
	var configure *application.ConfigureClient
	if err := startedWith(t, Administration(c, slog.New(slog.DiscardHandler)), &configure); err != nil {
		t.Fatal(err)
	}
	if _, err := configure.Execute(t.Context(), application.ClientChange{ID: "cli", Add: true}, audit.AdminOf("ops"), request.Origin{}); err != nil {
		t.Fatal(err)
	}
	vars["CLIENTS_FILE"] = filepath.Join(dir, "clients.yaml")
	if err := os.WriteFile(vars["CLIENTS_FILE"], []byte("clients:\n  - id: cli\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Load(vars); err != nil {
		t.Fatal(err)
	}
	var served ports.Clients
	err = startedWith(t, Handler(c, slog.New(slog.DiscardHandler)), &served)
	if err == nil || !strings.Contains(err.Error(), "client cli: it is in CLIENTS_FILE and in the database") {
		t.Errorf("got %v, want the conflict named", err)
	}
}

// The registry that is served keeps its contract, whichever source changes.
func TestMergedClients(t *testing.T) {
	for _, source := range []string{"file", "database"} {
		t.Run(source, func(t *testing.T) {
			porttest.Clients(t, func(t *testing.T) porttest.ClientsUnderTest {
				m := newMergedClients(client.Directory{})
				into := map[string]*client.Directory{"file": &m.file, "database": &m.database}[source]
				return porttest.ClientsUnderTest{Clients: m.served, Replace: func(ids ...string) {
					var all []client.Client
					for _, id := range ids {
						all = append(all, client.Must(client.Settings{ID: id}))
					}
					d, err := client.NewDirectory(all...)
					if err == nil {
						err = m.take(into, d)
					}
					if err != nil {
						t.Fatal(err)
					}
				}}
			})
		})
	}
}
