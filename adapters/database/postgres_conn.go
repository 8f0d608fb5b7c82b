package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/devicegate/devicegate/adapters/deadline"
)

// pgConn is a connection to PostgreSQL on which statements can wait for the next
// one and share its round trip: BEGIN, and those of which only the error
// matters. They come before whatever is sent next, also by bun and the job queue.
// The error of a statement that waited is that of the statement it was sent with,
// or of the commit.
type pgConn struct {
	*stdlib.Conn
	prepares bool
	pooled   *atomic.Bool
	tracer   pgTracer

	tx      context.Context // of the transaction; nil outside of one
	waiting []query
	ends    time.Time // the deadline of the socket; zero: none
}

type query struct {
	text  string
	args  []any
	apart string // of a read in SQLite: see [sqliteConn.queryRow]
}

const begin = "begin"

// pgConnector opens connections. Behind a pooler nothing is prepared: PgBouncer
// in transaction mode, before 1.21, hands a connection on without the statements
// that were prepared on it. A pooler shows itself by the process id that it
// makes up for its clients.
type pgConnector struct {
	hosts  []driver.Connector // of the URL, in its order
	first  *atomic.Int32      // the one that answered last
	pooled *atomic.Bool
	tracer pgTracer
}

func newPGConnector(cfg pgx.ConnConfig, pooled bool) pgConnector {
	c := pgConnector{first: new(atomic.Int32), pooled: new(atomic.Bool)}
	c.pooled.Store(pooled)
	c.tracer, _ = cfg.Tracer.(pgTracer)
	for _, host := range eachHost(cfg) {
		c.hosts = append(c.hosts, stdlib.GetConnector(host,
			stdlib.OptionBeforeConnect(c.beforeConnect), stdlib.OptionAfterConnect(c.afterConnect)))
	}
	return c
}

func (c pgConnector) beforeConnect(_ context.Context, cfg *pgx.ConnConfig) error {
	if c.pooled.Load() {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	}
	return nil
}

func (c pgConnector) afterConnect(ctx context.Context, conn *pgx.Conn) error {
	if c.pooled.Load() {
		return nil
	}
	var pid uint32
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	if err == nil && pid != conn.PgConn().PID() {
		c.pooled.Store(true)
	}
	return err
}

// Driver implements [driver.Connector].
func (c pgConnector) Driver() driver.Driver { return c.hosts[0].Driver() }

// Connect implements [driver.Connector].
func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	prepares := !c.pooled.Load()
	conn, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	if prepares && c.pooled.Load() { // it was opened to prepare, and must not
		_ = conn.Close()
		return c.Connect(ctx)
	}
	return &pgConn{Conn: conn.(*stdlib.Conn), prepares: prepares, pooled: c.pooled, tracer: c.tracer}, nil
}

// IsValid implements [driver.Validator]. A closed connection (pgx closes that of
// a call that is cancelled half-way) must not go back to the pool: database/sql
// would hand it to a call that waits, which fails after three of them.
func (c *pgConn) IsValid() bool {
	return !c.Conn.Conn().IsClosed() && (!c.prepares || !c.pooled.Load())
}

// onPG runs fn with the connection below conn.
func onPG(conn *sql.Conn, fn func(c *pgConn) error) error {
	return conn.Raw(func(below any) error {
		c := below.(*pgConn)
		err := fn(c)
		if lostStatement(err) {
			c.pooled.Store(true)
		}
		return err
	})
}

// lostStatement reports whether a prepared statement was missing on the
// connection, or there already: it was prepared on another one.
func lostStatement(err error) bool {
	if err == nil {
		return false
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "26000" || pg.Code == "42P05")
}

// later lets q wait for the next statement of the transaction.
func (c *pgConn) later(q query) error {
	if c.tx == nil {
		return sql.ErrTxDone
	}
	c.waiting = append(c.waiting, q)
	return nil
}

func (c *pgConn) exec(ctx context.Context, q query) (tag pgconn.CommandTag, err error) {
	ctx = c.bound(ctx)
	if len(c.waiting) == 0 {
		return c.Conn.Conn().Exec(ctx, q.text, q.args...)
	}
	err = c.batch(ctx, q, func(r pgx.BatchResults) error {
		tag, err = r.Exec()
		return err
	})
	return tag, err
}

func (c *pgConn) queryRow(ctx context.Context, q query, into pgRow) error {
	ctx = c.bound(ctx)
	if len(c.waiting) == 0 {
		return c.Conn.Conn().QueryRow(ctx, q.text, q.args...).Scan(into)
	}
	return c.batch(ctx, q, func(r pgx.BatchResults) error { return r.QueryRow().Scan(into) })
}

// bound has the socket end a statement where only a deadline can: pgx would watch
// the context, which costs a timer and five allocations. The deadline stays until
// the connection is used with another one, because calls that begin at about the
// same time share theirs.
func (c *pgConn) bound(ctx context.Context) context.Context {
	values, end, _ := deadline.Split(ctx)
	if !c.ends.Equal(end) {
		_ = c.Conn.Conn().PgConn().Conn().SetDeadline(end) // fails on a closed one, as the statement will
		c.ends = end
	}
	return values
}

// ResetSession implements [driver.SessionResetter]. It may ping the server.
func (c *pgConn) ResetSession(ctx context.Context) error { return c.Conn.ResetSession(c.bound(ctx)) }

// Ping implements [driver.Pinger].
func (c *pgConn) Ping(ctx context.Context) error { return c.Conn.Ping(c.bound(ctx)) }

// batch sends what waits, and q, of which read reads the result.
func (c *pgConn) batch(ctx context.Context, q query, read func(pgx.BatchResults) error) error {
	var batch pgx.Batch
	for _, w := range c.waiting {
		batch.Queue(w.text, w.args...)
	}
	batch.Queue(q.text, q.args...)
	c.waiting = nil
	results := c.Conn.Conn().SendBatch(ctx, &batch)
	var err error
	for range batch.Len() - 1 {
		if _, err = results.Exec(); err != nil {
			break
		}
	}
	if err == nil {
		err = read(results)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return err
}

// flush sends what waits.
func (c *pgConn) flush(ctx context.Context) error {
	last := len(c.waiting) - 1
	if last < 0 {
		return nil
	}
	q := c.waiting[last]
	c.waiting = c.waiting[:last]
	_, err := c.exec(ctx, q)
	return err
}

// ExecContext implements [driver.ExecerContext] for bun and others, whose values
// stand in the text: preparing it would gain nothing.
func (c *pgConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(c.bound(ctx), text, unprepared(args))
}

// QueryContext implements [driver.QueryerContext]. A read outside of transactions that
// met a connection of the pool which had ended is sent again by database/sql, at last
// on a new connection: it has changed nothing.
func (c *pgConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	rows, err := c.Conn.QueryContext(c.bound(ctx), text, unprepared(args))
	if c.tx == nil && strings.HasPrefix(text, "SELECT ") && c.hasEnded(ctx, err) {
		return nil, driver.ErrBadConn
	}
	return rows, err
}

// hasEnded reports whether a statement failed because the server had ended the
// connection, and not because its caller or its time has.
func (c *pgConn) hasEnded(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !pgconn.Timeout(err) && c.Conn.Conn().IsClosed()
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *pgConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	return c.Conn.PrepareContext(c.bound(ctx), text)
}

func unprepared(args []driver.NamedValue) []driver.NamedValue {
	return append([]driver.NamedValue{{Value: pgx.QueryExecModeSimpleProtocol}}, args...)
}

// BeginTx implements [driver.ConnBeginTx]. BEGIN waits for the first statement.
func (c *pgConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if options != (driver.TxOptions{}) {
		return c.Conn.BeginTx(c.bound(ctx), options)
	}
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	c.tx, c.waiting = ctx, []query{{text: begin}}
	return pgTx{c}, nil
}

type pgTx struct{ c *pgConn }

// Commit implements [driver.Tx].
func (t pgTx) Commit() error {
	if t.nothingSent() && len(t.c.waiting) == 1 {
		return t.Rollback()
	}
	tag, err := t.c.exec(t.c.tx, query{text: "commit"})
	if err != nil {
		return errors.Join(err, t.Rollback())
	}
	t.c.tx = nil
	if tag.String() == "ROLLBACK" {
		return pgx.ErrTxCommitRollback
	}
	return nil
}

// Rollback implements [driver.Tx]. A connection that cannot roll back is closed.
func (t pgTx) Rollback() error {
	ctx, nothing := t.c.tx, t.nothingSent()
	t.c.tx, t.c.waiting = nil, nil
	if nothing || t.c.Conn.Conn().PgConn().TxStatus() == 'I' {
		return nil
	}
	if _, err := t.c.exec(ctx, query{text: "rollback"}); err != nil {
		return errors.Join(err, t.c.Conn.Close())
	}
	return nil
}

func (t pgTx) nothingSent() bool { return len(t.c.waiting) > 0 && t.c.waiting[0].text == begin }
