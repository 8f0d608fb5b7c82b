package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// sqliteConn is a connection to SQLite that keeps the statements of [statements]
// prepared. The driver itself prepares each anew.
type sqliteConn struct {
	sqliteDriverConn
	kept map[string]keptStatement
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
}

type keptStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keep begins a statement that stays prepared. Its rows have to be read before
// the same text is sent again on the same connection.
const keep = "/* keep */ "

type sqliteConnector struct{ driver.Connector }

// Connect implements [driver.Connector].
func (c sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &sqliteConn{conn.(sqliteDriverConn), map[string]keptStatement{}}, nil
}

// ExecContext implements [driver.ExecerContext].
func (c *sqliteConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if !strings.HasPrefix(text, keep) {
		return c.sqliteDriverConn.ExecContext(ctx, text, args)
	}
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements [driver.QueryerContext].
func (c *sqliteConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if !strings.HasPrefix(text, keep) {
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
