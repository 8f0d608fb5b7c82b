package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/deadline"
	"github.com/devicegate/devicegate/ports"
)

// Within shortens the time within which an operation has to end.
func (s *Store) Within(timeout time.Duration) *Store {
	s.limit = deadline.NewLimit(timeout)
	return s
}

// Groups sets how many Updates share a COMMIT in SQLite, and how old their group may
// be.
func (s *Store) Groups(size int, age time.Duration) *Store {
	s.writers.size, s.writers.age = size, age
	return s
}

// Waiting is how many Updates wait for their turn in SQLite.
func (s *Store) Waiting() int {
	s.writers.mu.Lock()
	defer s.writers.mu.Unlock()
	return len(s.writers.waiting)
}

// Exec runs a statement in a transaction, as bun does.
func Exec(ctx context.Context, tx ports.Tx, statement string, args ...any) error {
	_, err := tx.(*transaction).db.ExecContext(ctx, statement, args...)
	return err
}

// Scan reads one value in a transaction, as bun does.
func Scan(ctx context.Context, tx ports.Tx, into any, query string) error {
	return tx.(*transaction).db.NewRaw(query).Scan(ctx, into)
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

// MigrateDownTo takes back the migrations after a version.
func MigrateDownTo(ctx context.Context, db *bun.DB, version int64) error {
	migrator, err := newMigrator(db)
	if err != nil {
		return err
	}
	_, err = migrator.DownTo(ctx, version)
	return err
}

// Announce announces a topic, as the writes of that topic do.
func Announce(ctx context.Context, tx ports.Tx, topic ports.Topic) error {
	return tx.(*transaction).announce(ctx, topic)
}

// LookEvery shortens the time between two looks.
func (c *Changes) LookEvery(d time.Duration) { c.every = d }

// Summary is what a span says of a statement.
func Summary(statement string) (operation, table string) { return summary(statement) }

// By makes a clock go by other ones.
func (c *Clock) By(machine func() time.Time, elapsed func() time.Duration) *Clock {
	c.machine, c.elapsed = machine, elapsed
	return c
}

// Compare asks the server for its time.
func (c *Clock) Compare(ctx context.Context, db *bun.DB) error { return c.compare(ctx, db) }

// Ask reads a row of an arbitrary statement outside of transactions.
func (s *Store) Ask(ctx context.Context, statement string, into ...any) error {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	return s.hot.queryRow(ctx, query{text: statement}, into)
}

// TogetherReads has start begin so many reads while others are under way, so that
// they are sent together.
func (s *Store) TogetherReads(calls int, start func()) { s.hot.reads.Together(calls, start) }

// TogetherWrites is the same for writes without a transaction.
func (s *Store) TogetherWrites(calls int, start func()) { s.hot.writes.Together(calls, start) }
