package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/devicegate/devicegate/domain/fault"
)

// errRolledBack is the error of all that comes after SQLite has rolled a transaction
// back by itself.
var errRolledBack = fmt.Errorf("%w (SQLite has rolled the transaction back)", fault.ErrUnavailable)

// mapError translates what a driver returned: a cancelled call to its own error,
// a database that does not answer to [fault.ErrUnavailable]. What is left is a
// defect of ours and keeps its own words.
func mapError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil || isUnavailable(err):
		return fmt.Errorf("%w (%w)", fault.ErrUnavailable, err)
	}
	return err
}

// forOperators is mapError in the driver's own words: what requests are told, to try
// again in a few seconds, mends no wrong name or password.
func forOperators(ctx context.Context, err error) error {
	return operatorError{err, mapError(ctx, err)}
}

type operatorError struct{ said, means error }

func (e operatorError) Error() string { return e.said.Error() }

// Unwrap returns what the error means.
func (e operatorError) Unwrap() error { return e.means }

func isUnavailable(err error) bool {
	var (
		pg      *pgconn.PgError
		connect *pgconn.ConnectError
		lite    *sqlite.Error
		network net.Error
	)
	switch {
	case errors.As(err, &connect): // whatever the server answers to a new connection
		return true
	case errors.As(err, &pg):
		return isPostgresUnavailable(pg.Code)
	case errors.As(err, &lite):
		return isSQLiteUnavailable(lite.Code())
	case errors.As(err, &network), pgconn.Timeout(err), pgconn.SafeToRetry(err):
		return true
	}
	for _, known := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	return err.Error() == "sql: database is closed" // has no name in database/sql
}

// isPostgresUnavailable lists the SQLSTATEs of conditions that pass by themselves
// (PostgreSQL documentation, appendix A).
func isPostgresUnavailable(code string) bool {
	switch code {
	case "40001", "40P01", // serialization failure, deadlock
		"55P03",          // lock not available within lock_timeout
		"57014",          // cancelled by statement_timeout
		"26000", "42P05", // a pooler lost a prepared statement: see lostStatement
		"25006", "25P03": // read-only since a failover; idle in transaction for too long
		return true
	}
	switch code[:min(2, len(code))] {
	case "08", "53", "58": // connection, resources, system
		return true
	case "57": // shutdown, crash, start-up, dropped database
		return true
	}
	return false
}

func isSQLiteUnavailable(code int) bool {
	switch code & 0xff { // the rest refines it
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
		sqlite3.SQLITE_READONLY:
		return true
	}
	return false
}
