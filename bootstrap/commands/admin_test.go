package commands

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

func TestANewAdminTokenIsPrintedWithItsLine(t *testing.T) {
	var out bytes.Buffer
	if err := (newAdminToken{Name: "ann"}).Run(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	read, err := administrator.ParseCredential(lines[4])
	if err != nil {
		t.Fatalf("ParseCredential(%q) = %v, want no error", lines[4], err)
	}
	if got, err := administrator.NewCredentials(read).Authenticate(secret.New("token", lines[1])); err != nil || got.String() != "ann" {
		t.Errorf("got %s and %v, want ann", got, err)
	}
	if err := (newAdminToken{Name: "ann bell"}).Run(&out); !errors.Is(err, administrator.ErrName) {
		t.Errorf("got %v, want ErrName", err)
	}
	if by, err := (Acting{As: new("")}).actor(); !errors.Is(err, administrator.ErrName) {
		t.Errorf("got %v and %v for an empty name, want ErrName", by, err)
	}
}

// settle sets the least settings for commands, with an empty SQLite file.
func settle(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "gate.db")
	for name, value := range map[string]string{"PUBLIC_URL": "https://sso.example.com", "SECRET_KEY": strings.Repeat("k", 42), "DATABASE_URL": "sqlite:" + file} {
		t.Setenv(name, value)
	}
	return file
}

func TestAdministratorsCommandsNameAnActor(t *testing.T) {
	db, err := database.Open(database.Config{URL: "sqlite:" + settle(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	var store ports.Store
	err = administer(t.Context(), Acting{As: new("ann@ops.example")}, func(ctx context.Context, by audit.Actor) error {
		if by != audit.AdminOf("ann@ops.example") {
			t.Errorf("got the actor %v, want ann", by)
		}
		return store.Ready(ctx)
	}, &store)
	if err != nil {
		t.Error(err)
	}
	if _, err := (Acting{As: new("a\u202eb")}).actor(); !errors.Is(err, administrator.ErrName) {
		t.Errorf("got %v, want ErrName", err)
	}
	if by, err := (Acting{}).actor(); err == nil && (by.Kind != audit.Admin || by.Name == "") {
		t.Errorf("got %v, want the user of this machine", by)
	}
}

// A path with a mistake in it must not be answered from a new, empty database.
func TestCommandsForAnInstallationMakeNoDatabase(t *testing.T) {
	file := settle(t)
	for _, args := range [][]string{{"tokens", "list"}, {"clients", "list"}, {"connections", "list"}, {"migration", "status"}, {"keys", "list"}, {"audit", "tail"}, {"audit", "verify"}, {"jobs", "list"}} {
		if _, err := run(t, args...); !errors.Is(err, database.ErrNoFile) {
			t.Errorf("%q: got %v, want ErrNoFile", args, err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 0 {
		t.Errorf("got %v (%v), want nothing made", left, err)
	}
}

func TestAdministratorsCommandsDoNotMigrate(t *testing.T) {
	file := settle(t)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var store ports.Store
	err := administer(t.Context(), Acting{As: new("ann")}, func(context.Context, audit.Actor) error {
		t.Error("got the command run, want it refused before")
		return nil
	}, &store)
	if !errors.Is(err, database.ErrOldSchema) {
		t.Errorf("got %v, want ErrOldSchema", err)
	}
}
