package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/deadline"
)

// joined is the columns of a row as one. The driver makes two strings for the
// name and the type of each column of a result, which cost more than the row. The
// columns are text or booleans, and NULL is what no text is.
func joined(columns []string) string {
	texts := make([]string, len(columns))
	for i, column := range columns {
		if name := strings.LastIndex(column, " AS "); name > 0 {
			column = column[:name]
		}
		texts[i] = "ifnull(" + column + ", '')"
	}
	return "concat_ws('" + separator + "', " + strings.Join(texts, ", ") + ")"
}

const separator = "\x1f"

// sqliteReads are the reads outside of transactions. Each connection caches pages of
// its own: with few connections the caches are full of what is read most, and take
// less memory. Two for each processor: one may wait for the disk.
type sqliteReads struct {
	pool  *sql.DB
	slots chan struct{}
}

func newSQLiteReads(pool *sql.DB) *sqliteReads {
	return &sqliteReads{pool, make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
}

// queryRow reads a row on a connection of the pool, which hands out the one that was
// used last.
func (r *sqliteReads) queryRow(ctx context.Context, q query, into []any) error {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := r.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	return onSQLite(conn, func(c *sqliteConn) error { return c.queryRow(unwatched(ctx), q, into) })
}

// unwatched is the context for a read of one row outside of transactions. The driver
// watches a context that can end, in a goroutine for each statement. Such a read
// waits for locks alone, and for these no longer than busyTimeout.
func unwatched(ctx context.Context) context.Context {
	values, end, shared := deadline.Split(ctx)
	if !shared || time.Until(end) < busyTimeout {
		return ctx
	}
	return values
}

// queryRow reads a row whose columns are [joined]. If one of them contains the
// separator, it reads them one by one.
func (c *sqliteConn) queryRow(ctx context.Context, q query, into []any) error {
	row := []driver.Value{nil}
	if err := c.values(ctx, q, row); err != nil {
		return err
	}
	columns, ok := row[0].(string)
	if !ok || strings.Count(columns, separator) != len(into)-1 {
		return c.queryColumns(ctx, query{text: q.apart, args: q.args}, into)
	}
	for _, to := range into {
		var column string
		column, columns, _ = strings.Cut(columns, separator)
		if err := scanJoined(to, column); err != nil {
			return &columnError{err}
		}
	}
	return nil
}

// scanJoined reads one of the columns that were joined.
func scanJoined(into any, column string) error {
	switch into := into.(type) {
	case *bool: // SQLite keeps it as a number
		*into = column == "1"
		return nil
	case *text:
		*into = text(column)
		return nil
	case sql.Scanner:
		if column == "" {
			return into.Scan(nil)
		}
		return into.Scan(column)
	}
	return fmt.Errorf("no column is read into a %T", into)
}

func (c *sqliteConn) queryColumns(ctx context.Context, q query, into []any) error {
	row := make([]driver.Value, len(into))
	if err := c.values(ctx, q, row); err != nil {
		return err
	}
	for i, value := range row {
		var err error
		switch into := into[i].(type) {
		case *bool:
			*into = value == int64(1)
		case sql.Scanner:
			err = into.Scan(value)
		default:
			err = fmt.Errorf("no column is read into a %T", into)
		}
		if err != nil {
			return &columnError{err}
		}
	}
	return nil
}

// columnError says that a row was found and one of its columns has the wrong type.
// SQLite keeps any value in any column.
type columnError struct{ error }

// Unwrap returns what is wrong with the column.
func (e *columnError) Unwrap() error { return e.error }

// values reads the first row of a result; [sql.ErrNoRows] if there is none.
func (c *sqliteConn) values(ctx context.Context, q query, row []driver.Value) (err error) {
	if span := c.traced(ctx, q.text); !span.IsZero() {
		defer func() { end(span, err) }()
	}
	s, args, err := c.bound(ctx, q)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if err = rows.Next(row); err == io.EOF {
		return sql.ErrNoRows
	}
	return err
}
