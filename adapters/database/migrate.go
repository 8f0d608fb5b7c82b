package database

import (
	"context"
	"database/sql"
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
// this program is left as it is, and so is a file of another program's
// ([ForeignFileError]).
func Migrate(ctx context.Context, db *bun.DB) error {
	if err := migrate(ctx, db); err != nil {
		return fmt.Errorf("migrate: %w", forOperators(ctx, err))
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
	if err := checkForeign(ctx, db); err != nil {
		return err
	}
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
		return fmt.Errorf("check schema: %w", forOperators(ctx, err))
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

// ForeignFileError says that a SQLite file is another program's. A PostgreSQL database
// may be shared; a file is not.
type ForeignFileError struct{ Table string }

func (e *ForeignFileError) Error() string {
	return fmt.Sprintf("the SQLite file is another program's: it has the table %q and none of devicegate; check DATABASE_URL and DATA_DIR", e.Table)
}

// checkForeign returns a [*ForeignFileError]. A file with the table of the tokens may be
// shared: that table can be there before us.
func checkForeign(ctx context.Context, db *bun.DB) error {
	if isPostgres(db) {
		return nil
	}
	for _, table := range []string{schemaTable, "oauth_access_tokens"} {
		if there, err := hasTable(ctx, db, table); there || err != nil {
			return err
		}
	}
	var table string
	err := db.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT 1").Scan(ctx, &table)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return &ForeignFileError{table}
}

func hasTable(ctx context.Context, db *bun.DB, name string) (bool, error) {
	there := "SELECT count(*) FROM sqlite_master WHERE name = ?"
	if isPostgres(db) {
		there = "SELECT count(to_regclass(?))"
	}
	var tables int
	err := db.NewRaw(there, name).Scan(ctx, &tables)
	return tables > 0, err
}

// applied reads goose's table; goose itself would create it first.
func applied(ctx context.Context, db *bun.DB) (map[int64]bool, error) {
	if there, err := hasTable(ctx, db, schemaTable); err != nil || !there {
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
