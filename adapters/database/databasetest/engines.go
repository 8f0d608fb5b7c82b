// Package databasetest gives tests a database of each engine.
package databasetest

import (
	"path/filepath"
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/sealing"
	"github.com/devicegate/devicegate/e2e/services"
)

// Engine makes databases of one kind.
type Engine struct {
	Name string
	// URL names a new, empty database that goes away with the test. A test for
	// which there is no server ends here; see package services.
	URL func(t testing.TB) string
}

const sqlite = "SQLite"

// Engines are PostgreSQL and SQLite.
func Engines() []Engine {
	return []Engine{
		{sqlite, func(t testing.TB) string {
			return "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "test.db"))
		}},
		{"PostgreSQL", services.Postgres},
	}
}

// Empty opens a new database without tables.
func (e Engine) Empty(t testing.TB) *bun.DB {
	t.Helper()
	return Open(t, e.URL(t))
}

// Migrated opens a new database with all tables. They are copied, because migrating
// takes longer than most tests.
func (e Engine) Migrated(t testing.TB) *bun.DB {
	t.Helper()
	if e.Name == sqlite {
		return Open(t, File(t, filepath.Join(t.TempDir(), "test.db")))
	}
	return Open(t, Postgres(t))
}

// Open opens what url names, until the test ends.
func Open(t testing.TB, url string) *bun.DB {
	t.Helper()
	db, err := database.Open(database.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Store is a store in db that enqueues jobs.
func Store(t testing.TB, db *bun.DB) *database.Store {
	t.Helper()
	queue, err := jobs.NewQueue(JobsIn(db))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := sealing.New("a secret of the tests, thirty-two bytes")
	if err != nil {
		t.Fatal(err)
	}
	return database.NewStore(db).WithQueue(queue).WithSealer(sealer)
}

// JobsIn is db as the job queue uses it.
func JobsIn(db *bun.DB) jobs.Database {
	return jobs.Database{DB: db.DB, Postgres: db.Dialect().Name() == dialect.PG}
}
