package database_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

func TestTheModuleBringsAStoreThatIsReadyWhenTheServiceStarts(t *testing.T) {
	var store ports.Store
	var accounts ports.Accounts
	app := fxtest.New(t,
		fx.Supply(database.Config{URL: "sqlite://" + filepath.ToSlash(t.TempDir()) + "/x.db"}),
		database.Module,
		fx.Populate(&store, &accounts),
	)
	app.RequireStart()
	if err := store.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	email, err := identity.ParseEmail("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if found, err := accounts.Has(t.Context(), email); found || err != nil {
		t.Errorf("got %v, %v, want no account", found, err)
	}
	app.RequireStop()
	if store.Ready(t.Context()) == nil {
		t.Error("the pool is still open")
	}
}

func TestAServiceThatMayNotMigrateDoesNotStartOnAnOldSchema(t *testing.T) {
	app := fx.New(fx.NopLogger,
		fx.Supply(database.Config{URL: "sqlite://" + filepath.ToSlash(t.TempDir()) + "/x.db", Migrate: database.MigrateCheck}),
		database.Module,
		fx.Invoke(func(ports.Store) {}),
	)
	if err := app.Start(t.Context()); err == nil {
		t.Error("it started")
	}
}
