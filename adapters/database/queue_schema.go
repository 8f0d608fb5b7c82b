package database

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/uptrace/bun"
)

// The job queue is River's, and so are its tables (river_…) and their
// migrations, which come with the library. They are applied after ours, under
// the same lock.

func queueMigrator(db *bun.DB) (*rivermigrate.Migrator[*sql.Tx], error) {
	var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(db.DB)
	if isPostgres(db) {
		driver = riverdatabasesql.New(db.DB)
	}
	return rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
}

func migrateQueue(ctx context.Context, db *bun.DB) error {
	migrator, err := queueMigrator(db)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("tables of the job queue: %w", err)
	}
	return nil
}

// checkQueue returns [ErrOldSchema] if a table or a change of the queue's is
// missing.
func checkQueue(ctx context.Context, db *bun.DB) error {
	migrator, err := queueMigrator(db)
	if err != nil {
		return err
	}
	found, err := migrator.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("check the tables of the job queue: %w", mapError(ctx, err))
	}
	if !found.OK {
		return ErrOldSchema
	}
	return nil
}
