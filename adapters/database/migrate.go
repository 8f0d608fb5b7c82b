package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	schema "github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/migrations"
)

// schemaTable remembers what was applied. The name is ours alone, because the
// database may be shared.
const schemaTable = "devicegate_schema"

// ErrOldSchema says that migrations have not been applied.
var ErrOldSchema = errors.New("the database schema is older than this program: run devicegate migrate")

// Migrate applies the migrations that are missing. Any number of processes may
// do so at once: the others wait for the first. A schema that is newer than
// this program is left as it is.
func Migrate(ctx context.Context, db *bun.DB) error {
	migrator, err := newMigrator(db)
	if err != nil {
		return err
	}
	if _, err := migrator.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", outage(ctx, err))
	}
	return nil
}

// CheckSchema returns [ErrOldSchema] if a migration has not been applied. It
// changes nothing.
func CheckSchema(ctx context.Context, db *bun.DB) error {
	migrator, err := newMigrator(db)
	if err != nil {
		return err
	}
	applied, err := applied(ctx, db)
	if err != nil {
		return fmt.Errorf("check schema: %w", outage(ctx, err))
	}
	for _, m := range migrator.ListSources() {
		if !applied[m.Version] {
			return ErrOldSchema
		}
	}
	return nil
}

func newMigrator(db *bun.DB) (*goose.Provider, error) {
	var files fs.FS
	var session lock.SessionLocker
	var err error
	if isPostgres(db) {
		files, err = fs.Sub(migrations.Files, "postgres")
		session = &postgresLock{pool: db.DB}
	} else {
		files, err = fs.Sub(migrations.Files, "sqlite")
		session = &sqliteLock{}
	}
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialectOf(db), db.DB, files, goose.WithTableName(schemaTable),
		goose.WithSessionLocker(session), goose.WithDisableGlobalRegistry(true))
}

func dialectOf(db *bun.DB) goose.Dialect {
	if isPostgres(db) {
		return goose.DialectPostgres
	}
	return goose.DialectSQLite3
}

// applied reads goose's table. Its provider would create it first.
func applied(ctx context.Context, db *bun.DB) (map[int64]bool, error) {
	table, err := schema.NewStore(dialectOf(db), schemaTable)
	if err != nil {
		return nil, err
	}
	if known, ok := table.(schema.StoreExtender); ok {
		if there, err := known.TableExists(ctx, db.DB); err != nil || !there {
			return nil, err
		}
	}
	list, err := table.ListMigrations(ctx, db.DB)
	if err != nil {
		return nil, err
	}
	versions := map[int64]bool{}
	for _, m := range list {
		versions[m.Version] = m.IsApplied
	}
	return versions, nil
}
