package databasetest

import (
	"context"
	"errors"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/e2e/services"
)

var migratedPostgres = services.Template{Fill: func(ctx context.Context, url string) error {
	db, err := database.Open(database.Config{URL: url})
	if err != nil {
		return err
	}
	return errors.Join(database.Migrate(ctx, db), db.Close())
}}

// Postgres returns the URL of a new PostgreSQL database with all tables. They are made
// once and copied.
func Postgres(t testing.TB) string {
	t.Helper()
	return migratedPostgres.Postgres(t)
}
