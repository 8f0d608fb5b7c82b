package database_test

import (
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// PgBouncer in transaction mode hands each transaction another connection of the
// server.
func TestTheStoreBehindPgBouncer(t *testing.T) {
	db := databasetest.Open(t, services.PgBouncer(t, postgres(t).URL(t)))
	must(t, database.Migrate(t.Context(), db))
	porttest.Store(t, func(t *testing.T) ports.Store { return ofRequests{databasetest.Store(t, db)} })
	if n := count(t, db, "SELECT count(*) FROM pg_prepared_statements"); n != 0 {
		t.Errorf("got %d prepared statements, want none", n)
	}
}
