package bootstrap

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// torn is an installation of which one client and one connection in the database
// cannot be read.
type torn struct {
	vars      map[string]string
	configure *application.ConfigureClient
	clients   *application.ListClients
	remove    *application.RemoveConnection
	edit      *application.EditConnection
}

func tear(t *testing.T) torn {
	t.Helper()
	dir := filepath.Dir(idpFile(t))
	s := torn{vars: smallest("DATABASE_URL", databasetest.File(t, filepath.Join(dir, "gate.db")), "DATA_DIR", dir)}
	var add *application.AddConnection
	if err := startedWith(t, Administration(s.load(t), slog.New(slog.DiscardHandler)), &s.configure, &s.clients, &s.remove, &s.edit, &add); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"tv", "difyctl", "cli"} {
		s.change(t, application.ClientChange{ID: id, Add: id != "difyctl", Edit: func(s *client.Settings) { s.Publisher = "ACME" }})
	}
	for _, slug := range []string{"acme", "beta"} {
		_, err := add.Execute(t.Context(), connection.Settings{
			Slug: slug, Broker: connection.Enterprise, Domains: []string{slug + ".example"},
		}, false, connection.Author{Actor: audit.AdminOf("ops")})
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := database.Open(database.Config{URL: s.vars["DATABASE_URL"]})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`UPDATE devicegate_clients SET settings = '{"home_page":"ftp://x"}' WHERE id IN ('tv', 'difyctl')`,
		`UPDATE idp_connections SET settings = '{"broker":"carrier-pigeon"}' WHERE slug = 'acme'`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s torn) load(t *testing.T) Config {
	t.Helper()
	s.vars["ENTERPRISE_API_URL"], s.vars["ENTERPRISE_API_SECRET_KEY"] = "https://inner.example.com", strings.Repeat("k", 40)
	c, err := Load(s.vars)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s torn) change(t *testing.T, wanted application.ClientChange) {
	t.Helper()
	if _, err := s.configure.Execute(t.Context(), wanted, audit.AdminOf("ops"), request.Origin{}); err != nil {
		t.Fatal(err)
	}
}

// A row that cannot be read stops no replica: what it describes is refused, and the
// others serve. A client that OPENAPI_KNOWN_CLIENT_IDS names, too, is refused, for
// the row may have suspended it.
func TestARowThatCannotBeReadStopsNoReplica(t *testing.T) {
	s := tear(t)
	log := new(logtest.Log)
	var served ports.Clients
	var connections ports.Connections
	var stored *lastgood.Followed[client.Directory]
	if err := startedWith(t, Handler(s.load(t), slog.New(slog.NewTextHandler(log, nil))), &served, &connections, &stored); err != nil {
		t.Fatalf("got %v for the start, want none", err)
	}
	usable := func(id string) error {
		all, err := served.Clients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = all.Usable(id)
		return err
	}
	if usable("cli") != nil || usable("tv") != client.ErrSuspended || usable("difyctl") != client.ErrSuspended {
		t.Errorf("got %v, %v, %v, want cli usable, tv and difyctl refused", usable("cli"), usable("tv"), usable("difyctl"))
	}
	all, err := connections.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.Find("beta"); err != nil || len(all.All()) != 1 {
		t.Errorf("got the connections %v, want beta", all.All())
	}
	for _, want := range []string{"devicegate clients remove", "devicegate connections remove", `tv`, `acme`, "home_page", "level=ERROR"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	if stored.Current() {
		t.Error("devicegate_clients_current is 1, want 0")
	}

	s.change(t, application.ClientChange{ID: "cli", Edit: func(s *client.Settings) { s.Suspended = true }})
	porttest.Eventually(t, "a change is taken up beside the rows that cannot be read", func() bool { return usable("cli") == client.ErrSuspended })
	s.change(t, application.ClientChange{ID: "tv", Remove: true})
	s.change(t, application.ClientChange{ID: "tv", Add: true})
	porttest.Eventually(t, "the client that was added again is known", func() bool { return usable("tv") == nil })
}

func TestAdministratorsRemoveWhatCannotBeRead(t *testing.T) {
	s := tear(t)
	all, err := s.clients.Execute(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(one application.ListedClient) bool { return one.Client.ID() == "tv" })
	if i < 0 || all[i].Unreadable == "" || len(all) != 3 {
		t.Errorf("got the clients %+v, want tv told as one that cannot be read", all)
	}
	_, err = s.configure.Execute(t.Context(), application.ClientChange{ID: "tv", Edit: func(s *client.Settings) { s.Name = "TV" }}, audit.AdminOf("ops"), request.Origin{})
	if !errors.Is(err, application.ErrClientUnreadable) {
		t.Errorf("got %v for an edit, want %v", err, application.ErrClientUnreadable)
	}
	by := connection.Author{Actor: audit.AdminOf("ops")}
	change := func(s *connection.Settings) error { s.Name = "ACME"; return nil }
	if _, err := s.edit.Execute(t.Context(), "acme", 0, change, false, by); !errors.Is(err, connection.ErrUnreadable) {
		t.Errorf("got %v for an edit, want %v", err, connection.ErrUnreadable)
	}
	if _, err := s.edit.Execute(t.Context(), "beta", 0, change, false, by); err != nil {
		t.Errorf("got %v for an edit of another connection, want none", err)
	}
	if _, err := s.remove.Execute(t.Context(), "acme", 0, false, by); err != nil {
		t.Error(err)
	}
	if _, err := s.remove.Execute(t.Context(), "acme", 0, false, by); !errors.Is(err, connection.ErrNotListed) {
		t.Errorf("got %v for what was removed, want %v", err, connection.ErrNotListed)
	}
}

func TestNoClientThatCanBeReadIsAnError(t *testing.T) {
	s := tear(t)
	s.change(t, application.ClientChange{ID: "cli", Remove: true})
	var store ports.Store
	if err := startedWith(t, fx.Options(Administration(s.load(t), slog.New(slog.DiscardHandler))), &store); err != nil {
		t.Fatal(err)
	}
	none := func() (environment, file client.Directory) { return environment, file }
	err := storedClients(store, none, slog.New(slog.DiscardHandler)).Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), `client "tv" is refused`) {
		t.Errorf("got %v, want the clients named", err)
	}
}
