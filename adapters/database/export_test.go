package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Within shortens the time within which an operation has to end.
func (s *Store) Within(timeout time.Duration) *Store {
	s.opTimeout = timeout
	return s
}

// MigrateTo applies the migrations up to a version.
func MigrateTo(ctx context.Context, db *bun.DB, version int64) error {
	migrator, err := newMigrator(db)
	if err != nil {
		return err
	}
	_, err = migrator.UpTo(ctx, version)
	return err
}
