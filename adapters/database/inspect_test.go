package database_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/jobs"
)

func TestTheConditionOfADatabaseTellsWhatIsMissing(t *testing.T) {
	for _, engine := range databasetest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			db := engine.Empty(t)
			got, err := database.Inspect(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			if got.Missing == 0 || !strings.HasPrefix(got.Product, engine.Name+" ") || got.ReadOnly {
				t.Errorf("empty: got %+v, want missing migrations of a database that takes writes", got)
			}
			if err := database.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			got, err = database.Inspect(t.Context(), db)
			if err != nil || got.Missing != 0 || got.Newer != 0 || got.OldQueue {
				t.Errorf("migrated: got %+v, %v, want nothing missing and nothing newer", got, err)
			}
			if engine.Name == "PostgreSQL" && (got.MaxConns == 0 || time.Since(got.Now).Abs() > time.Minute) {
				t.Errorf("got %+v, want the server's clock and its bound of connections", got)
			}
			if leads, err := databasetest.JobsIn(db).HasLeader(t.Context()); err != nil || leads {
				t.Errorf("got a leader %t, %v, want none", leads, err)
			}
			lead(t, databasetest.JobsIn(db))
			if leads, err := databasetest.JobsIn(db).HasLeader(t.Context()); err != nil || !leads {
				t.Errorf("got a leader %t, %v, want one", leads, err)
			}
			if _, err := db.NewRaw("INSERT INTO devicegate_schema (version_id, is_applied) VALUES (9999, true)").Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err = database.Inspect(t.Context(), db); err != nil || got.Newer != 1 {
				t.Errorf("got %d newer migrations, %v, want 1", got.Newer, err)
			}
			if _, err := db.NewRaw("DELETE FROM river_migration WHERE version > 1").Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err = database.Inspect(t.Context(), db); err != nil || !got.OldQueue {
				t.Errorf("got old queue %t, %v, want true", got.OldQueue, err)
			}
		})
	}
}

func TestTheConditionOfADatabaseTellsWhetherTablesMayBeMade(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		if engine.Name != "PostgreSQL" {
			t.Skip("only PostgreSQL has rights")
		}
		at, err := url.Parse(engine.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]bool{"public": false, "nowhere": true} {
			query := at.Query()
			query.Set("search_path", path)
			here := *at
			here.RawQuery = query.Encode()
			got, err := database.Inspect(t.Context(), databasetest.Open(t, here.String()))
			if err != nil || got.NoTables != want {
				t.Errorf("%s: got %t, %v, want %t", path, got.NoTables, err, want)
			}
		}
	})
}

// lead elects a leader, as River does.
func lead(t *testing.T, db jobs.Database) {
	t.Helper()
	at := "CURRENT_TIMESTAMP, datetime('now', '+10 seconds')"
	if db.Postgres {
		at = "now(), now() + interval '10 seconds'"
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO river_leader (leader_id, elected_at, expires_at) VALUES ('test', "+at+")"); err != nil {
		t.Fatal(err)
	}
}
