package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
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
	if err := migrate(ctx, db); err != nil {
		return fmt.Errorf("migrate: %w", mapError(ctx, err))
	}
	return nil
}

// migrate holds the lock around everything. Goose's own lock is taken after its
// version table was looked for and made, and that fails when many do it.
func migrate(ctx context.Context, db *bun.DB) (err error) {
	migrator, err := newMigrator(db)
	if err != nil {
		return err
	}
	alone := sqliteMigrationLock
	if isPostgres(db) {
		alone = postgresMigrationLock
	}
	release, err := alone(ctx, db)
	if err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := migrator.Up(ctx); err != nil {
		return err
	}
	return migrateQueue(ctx, db)
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
		return fmt.Errorf("check schema: %w", mapError(ctx, err))
	}
	for _, m := range migrator.ListSources() {
		if !applied[m.Version] {
			return ErrOldSchema
		}
	}
	return checkQueue(ctx, db)
}

func newMigrator(db *bun.DB) (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "sqlite"
	if isPostgres(db) {
		dialect, dir = goose.DialectPostgres, "postgres"
	}
	files, err := fs.Sub(migrations.Files, dir)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db.DB, files, goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true))
}

// applied reads goose's table; goose itself would create it first.
func applied(ctx context.Context, db *bun.DB) (map[int64]bool, error) {
	there := "SELECT count(*) FROM sqlite_master WHERE name = ?"
	if isPostgres(db) {
		there = "SELECT count(to_regclass(?))"
	}
	var tables int
	if err := db.NewRaw(there, schemaTable).Scan(ctx, &tables); err != nil || tables == 0 {
		return nil, err
	}
	var versions []int64
	if err := db.NewSelect().Table(schemaTable).Column("version_id").Where("is_applied").Scan(ctx, &versions); err != nil {
		return nil, err
	}
	known := map[int64]bool{}
	for _, v := range versions {
		known[v] = true
	}
	return known, nil
}
