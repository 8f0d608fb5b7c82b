// Package database keeps the service's durable truth, in PostgreSQL or in one
// SQLite file. Both are reached through bun and hold the same tables; what
// differs lies in the files postgres*.go, pgtypes.go and sqlite*.go.
//
// Its law: whatever one Update reads is locked until the Update ends, and
// whatever it writes is kept together with the audit event that caused it, or
// not at all. No rule is decided here; constraints in the schema repeat the
// domain's rules so that a defect cannot store what no move leads to.
package database

import (
	"context"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/devicegate/devicegate/adapters/deadline"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/ports"
)

// Store is a [ports.Store]. The schema has to be there ([Migrate]).
type Store struct {
	db       *bun.DB
	writers  *writers // of SQLite; nil: PostgreSQL
	beside   bool     // see Config.Beside
	limit    *deadline.Limit
	hot      *statements
	queue    Queue
	changes  *Changes // nil: nothing in this process wants to know
	sealer   Sealer
	observer Observer
}

// Beside has the store give way to other processes; see [Config.Beside].
func (s *Store) Beside(is bool) *Store {
	s.beside = is
	return s
}

// Written is what an [Observer] learns of an event.
type Written struct {
	Kind                      audit.Kind
	Connection, Mount, Reason string
}

// Observer is told of each event whose transaction was committed.
type Observer func(Written)

// WithObserver tells o what is written from now on.
func (s *Store) WithObserver(o Observer) *Store {
	s.observer = o
	return s
}

func writtenOf(e audit.Event) Written { return Written{e.Kind, e.Connection, e.Mount, e.Reason} }

const (
	// defaultOpTimeout bounds each View and Update: a request that waits for a
	// database that hangs is answered while its client still waits.
	defaultOpTimeout = 10 * time.Second
	// readyTimeout is shorter, because a load balancer's probes are.
	readyTimeout = 2 * time.Second
)

// NewStore stores in db. It enqueues no jobs; see [Store.WithQueue].
func NewStore(db *bun.DB) *Store {
	s := &Store{db: db, limit: deadline.NewLimit(defaultOpTimeout), hot: newStatements(db), queue: noQueue{}, sealer: noSealer{}, observer: func(Written) {}}
	if !isPostgres(db) {
		s.writers = newWriters()
	}
	return s
}

func isPostgres(db bun.IDB) bool { return db.Dialect().Name() == dialect.PG }

// limited bounds a View or an Update.
func (s *Store) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if ports.HasBulkTime(ctx) {
		return context.WithTimeout(ctx, ports.BulkTime)
	}
	return s.limit.Context(ctx)
}

// View implements [ports.Store]. Each read sees what is committed when it
// begins: use cases that look need one read, and a transaction around it would
// triple the round trips.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r ports.Reader) error) error {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	return fn(ctx, reader{db: s.db, hot: s.hot, sealer: s.sealer})
}

// Update implements [ports.Store]. If the connection breaks while the database
// commits, or that takes longer than the call may, the outcome is unknown and
// reported as [fault.ErrUnavailable]; every move can be asked for again without harm.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	if s.writers != nil {
		return s.updateInGroup(ctx, fn)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return mapError(ctx, err)
	}
	defer func() { _ = conn.Close() }() // gives it back
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return mapError(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // also if fn panics; after Commit it does nothing
	within := newTransaction(tx, conn.Conn, s.hot, s.queue, s.sealer)
	outcome, keeps := kept(fn(ctx, within))
	if !keeps {
		return outcome
	}
	err = mapError(ctx, tx.Commit())
	s.tell(within, err == nil)
	if err != nil {
		return err
	}
	return outcome
}

// kept reports whether a transaction commits whose function has returned err, and
// what Update returns then.
func kept(err error) (outcome error, keeps bool) {
	if committed, ok := err.(*ports.Committed); ok { // not errors.As: see ports.CommitWith
		return committed.Unwrap(), true
	}
	return err, err == nil
}

// tell tells of what a transaction has written. After a COMMIT that failed that may be
// there or not: watchers of topics look for themselves, and nothing is counted.
func (s *Store) tell(t *transaction, committed bool) {
	if committed {
		for _, w := range t.written {
			s.observer(w)
		}
	}
	if s.changes != nil {
		for topic := range t.announced {
			s.changes.notify(topic)
		}
	}
}

// AddAuthorization implements [ports.Store]. PostgreSQL needs no transaction for
// it: the row and its event are one statement.
func (s *Store) AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error {
	if !isPostgres(s.db) {
		return s.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, event) })
	}
	if event.ID.IsZero() {
		return errNoEvent
	}
	ctx, cancel := s.limit.Context(ctx)
	defer cancel()
	q := s.hot.writeWithEvent(event, authorizationRowOf(a), addingAuthorization)
	var written int64
	err := s.hot.share(ctx, s.hot.writes, statementCall{query: q, written: &written})
	if err == nil && written == 0 {
		return ports.ErrUserCodeTaken
	}
	if err == nil {
		s.observer(writtenOf(event))
	}
	return mapError(ctx, err)
}

// Ready implements [ports.Store].
func (s *Store) Ready(ctx context.Context) error {
	limited, end := s.limit.Context(ctx)
	defer end()
	ctx, cancel := context.WithTimeout(limited, readyTimeout)
	defer cancel()
	_, err := s.db.ExecContext(ctx, "SELECT 1")
	return mapError(ctx, err)
}
