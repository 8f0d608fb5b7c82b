package database

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/ports"
)

// Nothing joins a group that has so many Updates, or is so old: the first one waits
// for the last, other processes wait for the file, and readers of a database in
// memory for its only connection.
const (
	groupSize = 64
	groupAge  = 10 * time.Millisecond
)

// writers is the queue of the Updates in SQLite, which allows one writer: it is
// fairer and quicker than polling the file's lock. Updates that have waited share a
// transaction and its COMMIT ("group commit"): one write of the pages and one sync
// of the disk for all (docs/decisions/0032-sqlite-group-commit.md).
type writers struct {
	size int           // of the largest group
	age  time.Duration // up to which a group may be joined

	mu      sync.Mutex
	busy    bool // an Update has the turn
	waiting []*waiter
}

func newWriters() *writers { return &writers{size: groupSize, age: groupAge} }

type waiter struct {
	alone bool        // shares no transaction
	turn  chan *group // nil: no transaction is open
}

// wait waits for the turn. With it comes the transaction to join, or nil.
func (w *writers) wait(ctx context.Context, alone bool) (*group, error) {
	w.mu.Lock()
	if !w.busy {
		w.busy = true
		w.mu.Unlock()
		return nil, nil
	}
	me := &waiter{alone, make(chan *group, 1)}
	w.waiting = append(w.waiting, me)
	w.mu.Unlock()
	select {
	case g := <-me.turn:
		return g, nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.waiting, me); i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
		return nil, ctx.Err()
	}
	return <-me.turn, nil // it came as ctx ended, and must not be lost
}

// join gives the turn to the next Update, which joins g. It reports false if there
// is none that may.
func (w *writers) join(g *group) bool {
	if g.alone || len(g.kept) >= w.size || time.Since(g.began) >= w.age {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 || w.waiting[0].alone {
		return false
	}
	w.next(g)
	return true
}

// release gives the turn to the next Update after a transaction has ended.
func (w *writers) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy = len(w.waiting) > 0; w.busy {
		w.next(nil)
	}
}

func (w *writers) next(g *group) {
	first := w.waiting[0]
	w.waiting = slices.Delete(w.waiting, 0, 1)
	first.turn <- g
}

// group is a transaction that Updates share. Only the one that has the turn uses it.
type group struct {
	conn  bun.Conn
	tx    bun.Tx
	alone bool
	began time.Time
	kept  []*transaction // of the Updates whose writes are in it
	lost  bool           // a rollback to a savepoint failed: nothing can be kept

	ended chan struct{} // closed after COMMIT or ROLLBACK
	err   error         // what all its Updates return, unless it is nil
}

// updateInGroup is Update for SQLite.
func (s *Store) updateInGroup(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	alone := ports.HasBulkTime(ctx)
	g, err := s.writers.wait(ctx, alone)
	if err == nil && g == nil {
		if g, err = s.beginGroup(ctx, alone); err != nil {
			s.writers.release()
		}
	}
	if err != nil {
		return mapError(ctx, err)
	}
	outcome := s.runInGroup(ctx, g, fn)
	// A refusal waits, too: the write that it is based on may be in the same group.
	if err := g.wait(ctx); err != nil {
		return mapError(ctx, err)
	}
	return outcome
}

func (s *Store) beginGroup(ctx context.Context, alone bool) (*group, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	// The transaction outlives the context of the Update that begins it.
	tx, err := conn.BeginTx(context.WithValue(context.WithoutCancel(ctx), beginKey{}, ctx), nil)
	if err != nil {
		_ = conn.Close() // gives it back
		return nil, err
	}
	return &group{conn: conn, tx: tx, alone: alone, began: time.Now(), ended: make(chan struct{})}, nil
}

// runInGroup runs fn and gives up the turn, also if fn panics. If fn fails, what it
// has written is undone: by the end of the transaction if nothing else is in it.
func (s *Store) runInGroup(ctx context.Context, g *group, fn func(ctx context.Context, tx ports.Tx) error) error {
	defer s.leave(g)
	joins := len(g.kept) > 0
	if joins {
		if err := g.exec(ctx, "SAVEPOINT member"); err != nil {
			return mapError(ctx, err)
		}
	}
	done := false
	defer func() {
		if joins && !done {
			g.undo()
		}
	}()
	within := newTransaction(g.tx, g.conn.Conn, s.hot, s.queue, s.sealer)
	outcome, keeps := kept(fn(ctx, within))
	if !keeps {
		return outcome
	}
	if ctx.Err() != nil {
		return mapError(ctx, ctx.Err())
	}
	if joins {
		if err := g.exec(ctx, "RELEASE member"); err != nil {
			return mapError(ctx, err)
		}
	}
	done = true
	g.kept = append(g.kept, within)
	return outcome
}

// undo undoes what was written since SAVEPOINT. If that fails, nothing of the
// transaction can be kept.
func (g *group) undo() {
	err := g.exec(context.Background(), "ROLLBACK TO member")
	if err == nil {
		err = g.exec(context.Background(), "RELEASE member")
	}
	g.lost = err != nil
}

func (g *group) exec(ctx context.Context, text string) error {
	return onSQLite(g.conn.Conn, func(c *sqliteConn) error {
		ctx, err := c.within(ctx)
		if err == nil {
			_, err = c.ExecContext(ctx, keep+text, nil)
		}
		return err
	})
}

// leave gives the turn and the transaction to the next Update, or ends it.
func (s *Store) leave(g *group) {
	if len(g.kept) > 0 && !g.lost && s.writers.join(g) {
		return
	}
	defer s.giveWay(g)
	defer func() { _ = g.conn.Close() }() // gives it back
	defer close(g.ended)
	if len(g.kept) == 0 {
		_ = g.tx.Rollback()
		return
	}
	g.err = errRolledBack
	if g.lost {
		_ = g.tx.Rollback()
	} else {
		g.err = g.tx.Commit()
	}
	for _, t := range g.kept {
		s.tell(t, g.err == nil)
	}
}

// giveWay releases the turn. Beside a process that serves it first leaves the file
// alone for as long as the transaction had it: SQLite gives its lock to the process
// that happens to ask, and one that writes without a pause asks at every moment.
func (s *Store) giveWay(g *group) {
	if !s.beside {
		s.writers.release()
		return
	}
	time.AfterFunc(time.Since(g.began), s.writers.release)
}

// wait waits for the end of the group's transaction. A caller that has gone away
// gets the outcome, too: its writes cannot be taken out any more. Only its time
// limit ends the wait, and then the outcome is unknown.
func (g *group) wait(ctx context.Context) error {
	select {
	case <-g.ended: // ctx may have ended, too
		return g.err
	default:
	}
	select {
	case <-g.ended:
		return g.err
	case <-ctx.Done():
	}
	limit, _ := ctx.Deadline()
	select {
	case <-g.ended:
		return g.err
	case <-time.After(time.Until(limit)):
		return ctx.Err()
	}
}
