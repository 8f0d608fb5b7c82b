package database

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/ports"
)

// Queue puts jobs into this database, and reads them, as part of a transaction.
type Queue interface {
	Enqueue(ctx context.Context, tx *sql.Tx, job ports.Job) error
	Unfinished(ctx context.Context, tx *sql.Tx, kind ports.JobKind) ([]ports.Job, error)
}

// WithQueue lets transactions enqueue jobs.
func (s *Store) WithQueue(q Queue) *Store {
	s.queue = q
	return s
}

// Pool is the database as the job queue uses it: its workers read and write the
// queue's own tables outside of [ports.Store]'s transactions.
type Pool struct {
	*sql.DB
	Postgres bool // else SQLite
}

func poolOf(db *bun.DB) Pool { return Pool{db.DB, isPostgres(db)} }

type jobs struct{ tx *transaction }

func (j jobs) Enqueue(ctx context.Context, job ports.Job) error {
	return mapError(ctx, j.tx.queue.Enqueue(ctx, j.tx.db.Tx, job))
}

func (j jobs) Unfinished(ctx context.Context, kind ports.JobKind) ([]ports.Job, error) {
	found, err := j.tx.queue.Unfinished(ctx, j.tx.db.Tx, kind)
	return found, mapError(ctx, err)
}

// noQueue is the queue of a store that has none.
type noQueue struct{}

var errNoQueue = errors.New("database: this store has no job queue")

func (noQueue) Enqueue(context.Context, *sql.Tx, ports.Job) error { return errNoQueue }

func (noQueue) Unfinished(context.Context, *sql.Tx, ports.JobKind) ([]ports.Job, error) {
	return nil, errNoQueue
}
