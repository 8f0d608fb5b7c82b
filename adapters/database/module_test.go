package database_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/sealing"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// queue is what the module needs from outside.
var queue = fx.Provide(func() database.Observer { return func(database.Written) {} }, func() *slog.Logger { return slog.New(slog.DiscardHandler) }, func() (database.Sealer, error) {
	return sealing.New("a secret of the tests, thirty-two bytes")
}, func(p database.Pool) (database.Queue, error) {
	return jobs.NewQueue(jobs.Database{DB: p.DB, Postgres: p.Postgres})
})

func TestTheModuleBringsAStoreThatIsReadyWhenTheServiceStarts(t *testing.T) {
	var store *database.Store
	var accounts ports.Accounts
	app := fxtest.New(t,
		fx.Supply(database.Config{URL: "sqlite://" + filepath.ToSlash(t.TempDir()) + "/x.db"}),
		database.Module, queue,
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
		t.Error("got an open pool after the stop, want it closed")
	}
}

func TestAServiceThatMayNotMigrateDoesNotStartOnAnOldSchema(t *testing.T) {
	app := fx.New(fx.NopLogger,
		fx.Supply(database.Config{URL: "sqlite://" + filepath.ToSlash(t.TempDir()) + "/x.db", Migrate: database.MigrateCheck}),
		database.Module, queue,
		fx.Invoke(func(*database.Store) {}),
	)
	if err := app.Start(t.Context()); err == nil {
		t.Error("got no error at the start, want ErrOldSchema")
	} else if !errors.Is(err, database.ErrOldSchema) {
		t.Errorf("got %v, want ErrOldSchema", err)
	}
}
