package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"

	"github.com/devicegate/devicegate/adapters/tracing"
)

// sqliteConn is a connection to SQLite that keeps the statements of [statements]
// prepared, and those that begin and end transactions. The driver itself prepares
// each anew. [statements] run on it directly: database/sql takes more CPU time and
// allocations for a row than SQLite does.
type sqliteConn struct {
	sqliteDriverConn
	kept  map[string]keptStatement
	begin string
	inTx  bool
	// rolledBack says that the last transaction was rolled back: SQLite does that by
	// itself after some errors, and would commit each statement that follows.
	rolledBack bool

	tracer *tracing.Tracer
}

// sqliteDriverConn is what database/sql uses of the driver's connections, and
// what package databasetest copies a database by.
type sqliteDriverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	Serialize() ([]byte, error)
	Deserialize(image []byte) error
	RegisterRollbackHook(sqlite.RollbackHookFn)
}

type keptStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keep begins a statement that stays prepared. Its rows have to be read before
// the same text is sent again on the same connection.
const keep = "/* keep */ "

type sqliteConnector struct {
	driver.Connector
	path   string
	begin  string // the statement that begins a transaction
	tracer *tracing.Tracer
}

// Connect implements [driver.Connector].
func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.path, err)
	}
	made := &sqliteConn{sqliteDriverConn: conn.(sqliteDriverConn), kept: map[string]keptStatement{}, begin: keep + c.begin, tracer: c.tracer}
	made.RegisterRollbackHook(func() { made.rolledBack = true })
	return made, nil
}

// onSQLite runs fn with the connection below conn.
func onSQLite(conn *sql.Conn, fn func(c *sqliteConn) error) error {
	return conn.Raw(func(below any) error { return fn(below.(*sqliteConn)) })
}

// beginKey is the key of the context that BEGIN waits with for other processes,
// where it is not the transaction's own.
type beginKey struct{}

// BeginTx implements [driver.ConnBeginTx].
func (c *sqliteConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if options != (driver.TxOptions{}) {
		return c.sqliteDriverConn.BeginTx(ctx, options)
	}
	if own, ok := ctx.Value(beginKey{}).(context.Context); ok {
		ctx = own
	}
	if _, err := c.ExecContext(ctx, c.begin, nil); err != nil {
		_ = c.Rollback() // if it took effect as ctx ended
		return nil, err
	}
	c.inTx, c.rolledBack = true, false
	return c, nil
}

// Commit implements [driver.Tx]. database/sql has looked whether the context has
// ended.
func (c *sqliteConn) Commit() error {
	if c.rolledBack {
		c.inTx = false
		return errRolledBack
	}
	_, err := c.ExecContext(context.Background(), keep+"COMMIT", nil)
	if err != nil {
		_ = c.Rollback()
	}
	c.inTx = false
	return err
}

// Rollback implements [driver.Tx].
func (c *sqliteConn) Rollback() error {
	c.inTx = false
	_, err := c.ExecContext(context.Background(), keep+"ROLLBACK", nil)
	return err
}

// within is the context for a statement of a transaction. The transaction has the
// lock already, so that nothing waits; watching the context would take a goroutine
// for each statement, and a write that is interrupted rolls the transaction back,
// with the writes of others that share it.
func (c *sqliteConn) within(ctx context.Context) (context.Context, error) {
	switch {
	case !c.inTx:
		return nil, sql.ErrTxDone
	case c.rolledBack:
		return nil, errRolledBack
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// steady is within for a statement that may run outside of transactions.
func (c *sqliteConn) steady(ctx context.Context) (context.Context, error) {
	if !c.inTx {
		return ctx, nil
	}
	return c.within(ctx)
}

// run returns how many rows were written.
func (c *sqliteConn) run(ctx context.Context, q query) (n int64, err error) {
	if span := c.traced(ctx, q.text); !span.IsZero() {
		defer func() { end(span, err) }()
	}
	s, args, err := c.bound(ctx, q)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(ctx, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *sqliteConn) bound(ctx context.Context, q query) (keptStatement, []driver.NamedValue, error) {
	args := make([]driver.NamedValue, len(q.args))
	for i, arg := range q.args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, nil, err
		}
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	s, err := c.prepared(ctx, q.text)
	return s, args, err
}

// ExecContext implements [driver.ExecerContext].
func (c *sqliteConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (result driver.Result, err error) {
	if span := c.traced(ctx, text); !span.IsZero() {
		defer func() { end(span, err) }()
	}
	if !strings.HasPrefix(text, keep) {
		if ctx, err = c.steady(ctx); err != nil {
			return nil, err
		}
		return c.sqliteDriverConn.ExecContext(ctx, text, args)
	}
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements [driver.QueryerContext].
func (c *sqliteConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (rows driver.Rows, err error) {
	if span := c.traced(ctx, text); !span.IsZero() {
		defer func() { end(span, err) }()
	}
	if !strings.HasPrefix(text, keep) {
		if ctx, err = c.steady(ctx); err != nil {
			return nil, err
		}
		return c.sqliteDriverConn.QueryContext(ctx, text, args)
	}
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args)
}

func (c *sqliteConn) prepared(ctx context.Context, text string) (keptStatement, error) {
	if s, ok := c.kept[text]; ok {
		return s, nil
	}
	made, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.kept[text] = made.(keptStatement)
	return c.kept[text], nil
}

// Close implements [driver.Conn].
func (c *sqliteConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.sqliteDriverConn.Close())...)
}
