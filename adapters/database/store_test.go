package database_test

import (
	"os"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

// engines runs a test on each engine.
func engines(t *testing.T, test func(t *testing.T, engine databasetest.Engine)) {
	for _, engine := range databasetest.Engines() {
		t.Run(engine.Name, func(t *testing.T) { test(t, engine) })
	}
}

func TestStore(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		porttest.Store(t, func(*testing.T) ports.Store { return database.NewStore(db) })
	})
}
