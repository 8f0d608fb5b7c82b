package database

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/batching"
	"github.com/devicegate/devicegate/adapters/deadline"
)

// statementCall is a statement outside of transactions, and where its result goes.
type statementCall struct {
	query
	into    pgRow  // of a read
	written *int64 // of a write: its number of rows
}

// errUnsent says that statements did not reach the server.
var errUnsent = errors.New("no connection")

// reads are sent with others. They can be repeated whatever the error was.
type reads struct{ *statements }

// CanRepeat implements [batching.Sender].
func (reads) CanRepeat(error) bool { return true }

// writes are sent with others. PostgreSQL makes what is sent together one
// transaction, so they share its commit, and if one has failed none has happened.
// Then they are repeated, but not where the outcome is unknown, because the
// connection broke or the server ended the session (FATAL).
type writes struct{ *statements }

// CanRepeat implements [batching.Sender].
func (writes) CanRepeat(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.SeverityUnlocalized == "ERROR"
	}
	_, unsent := errors.AsType[pgx.ErrPreprocessingBatch](err)
	return unsent || errors.Is(err, errUnsent) || pgconn.SafeToRetry(err)
}

// sharedTrips is how many round trips that calls may share are under way at a
// time, of reads and of writes. More than there are processors would leave fewer
// calls to share one. Together they leave a fifth of the connections to
// transactions.
func sharedTrips(db *bun.DB) int {
	return max(1, min(db.Stats().MaxOpenConnections*2/5, max(2, runtime.GOMAXPROCS(0))))
}

// stuckAfter is how long the queue waits for a round trip that may hang.
const stuckAfter = 100 * time.Millisecond

// share sends a call by b. A call whose context can end before its limit goes
// alone, because others should not depend on it.
func (s *statements) share(ctx context.Context, b *batching.Batcher[statementCall], call statementCall) error {
	if _, _, ok := deadline.Split(ctx); !ok {
		return s.SendOne(ctx, call)
	}
	return b.Do(ctx, call)
}

// SendOne implements [batching.Sender].
func (s *statements) SendOne(ctx context.Context, call statementCall) error {
	return s.fromPool(ctx, call.written == nil, func(c *pgConn) error {
		if call.written == nil {
			return c.queryRow(ctx, call.query, call.into)
		}
		tag, err := c.exec(ctx, call.query)
		*call.written = tag.RowsAffected()
		return err
	})
}

// SendAll implements [batching.Sender].
func (s *statements) SendAll(ctx context.Context, calls []*batching.Call[statementCall]) error {
	conn, err := s.db.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	defer func() { _ = conn.Close() }() // gives it back
	return onPG(conn, func(c *pgConn) error { return c.sendAll(ctx, calls) })
}

// sendAll sends calls in one round trip. Each has a span in the trace of its own
// caller, so the batch has none.
func (c *pgConn) sendAll(ctx context.Context, calls []*batching.Call[statementCall]) error {
	c.bound(ctx)
	endSpans := c.tracer.beginEach(calls)
	var batch pgx.Batch
	for _, b := range calls {
		batch.Queue(b.Value.text, b.Value.args...)
	}
	results := c.Conn.Conn().SendBatch(context.Background(), &batch)
	for _, b := range calls {
		if !receive(results, b) {
			break
		}
	}
	err := results.Close()
	endSpans(err)
	return err
}

// receive reads the result of a call. It reports false if the statement failed,
// which [pgx.BatchResults.Close] returns.
func receive(results pgx.BatchResults, b *batching.Call[statementCall]) bool {
	rows, err := results.Query()
	if err != nil {
		return false
	}
	found := rows.Next() // waits for the server, so before the caller is kept from leaving
	if rows.Err() == nil {
		b.Receive(func() error { return b.Value.read(rows, found) })
	}
	rows.Close()
	return rows.Err() == nil
}

func (c statementCall) read(rows pgx.Rows, found bool) error {
	switch {
	case c.written != nil:
		*c.written = rows.CommandTag().RowsAffected()
		return nil
	case !found:
		return pgx.ErrNoRows
	}
	return c.into.ScanRow(rows)
}
