package database_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// Case T09, and the other settings of a database that change how values are
// read and written.
func TestADatabaseOfAnotherCountry(t *testing.T) {
	here := time.Local
	t.Cleanup(func() { time.Local = here })
	time.Local = time.FixedZone("Asia/Shanghai", 8*60*60)

	engines(t, func(t *testing.T, engine databasetest.Engine) {
		url := engine.URL(t)
		db := databasetest.Open(t, url)
		if engine.Name == "PostgreSQL" {
			name := new(string)
			if err := db.NewRaw("SELECT current_database()").Scan(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			for _, setting := range []string{
				"timezone = 'America/New_York'", "datestyle = 'SQL, DMY'", "standard_conforming_strings = off", "client_encoding = 'LATIN1'",
			} {
				execute(t, db, "ALTER DATABASE "+*name+" SET "+setting)
			}
			db = databasetest.Open(t, url)
		}
		if err := database.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		porttest.Store(t, func(t *testing.T) ports.Store { return ofRequests{databasetest.Store(t, db)} })
	})
}
