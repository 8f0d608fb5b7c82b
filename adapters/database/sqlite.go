package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/uptrace/bun"
	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/devicegate/devicegate/adapters/tracing"
)

const inMemory = ":memory:"

// busyTimeout is how long a statement waits for a lock on the file.
const busyTimeout = 10 * time.Second

// openSQLite makes the file if need be, for our user alone; SQLite gives its
// journal the same mode. Transactions lock for writing when they begin: one
// that reads first and writes later could not be given the lock any more.
// Every commit is on disk before it is answered.
//
// The page cache stays at SQLite's own 2 MiB for each connection: a commit empties
// those of all others, and a page that is cached anew takes fresh memory until the
// cache is full, which costs more than reading the page again.
func openSQLite(path string, c Config) (*bun.DB, error) {
	options := url.Values{"_foreign_keys": {"1"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}, "_busy_timeout": {strconv.FormatInt(busyTimeout.Milliseconds(), 10)}}
	if path == inMemory { // each connection would have a database of its own
		return bun.NewDB(sqlitePool(inMemory, options, 1, c.Tracer), sqliteDialect()), nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("database directory: %w", err)
	}
	if err := createPrivateFile(path); err != nil {
		return nil, fmt.Errorf("database file: %w", err)
	}
	options.Set("_journal_mode", "WAL") // readers do not wait for the writer
	return bun.NewDB(sqlitePool(path, options, c.MaxConns, c.Tracer), sqliteDialect()), nil
}

// createPrivateFile makes the file if there is none. It must not open one that is
// there: closing it again would release every lock that this process has on it
// (POSIX, fcntl), also those by which SQLite's writers exclude each other.
func createPrivateFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func sqlitePool(path string, options url.Values, size int, tracer *tracing.Tracer) *sql.DB {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		panic(err) // it reads the DSN when it connects
	}
	pool := sql.OpenDB(sqliteConnector{connector, path, "BEGIN " + options.Get("_txlock"), tracer})
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool
}

// pingSQLite opens the file. Processes that open a new one at the same time each
// switch it to WAL, and for that SQLite does not wait for the others: it says
// at once that the file is locked.
func pingSQLite(ctx context.Context, db *bun.DB) error {
	for tries := 0; ; tries++ {
		err := db.PingContext(ctx)
		var locked *sqlite.Error
		if err == nil || !errors.As(err, &locked) || locked.Code()&0xff != sqlite3.SQLITE_BUSY || tries == 100 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(migrationPause):
		}
	}
}

// sqliteMigrationLock waits until no other process migrates the file. The lock is a
// transaction on an empty database file beside ours, and ends with its process,
// however that ends. On our own file goose would wait for it itself.
func sqliteMigrationLock(ctx context.Context, db *bun.DB) (release func() error, err error) {
	var file string
	err = db.NewRaw("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(ctx, &file)
	if err != nil {
		return nil, err
	}
	if file == "" { // in memory: no other process has it
		return func() error { return nil }, nil
	}
	file += "-migrating"
	if err := createPrivateFile(file); err != nil {
		return nil, err
	}
	pool := sqlitePool(file, url.Values{"_txlock": {"exclusive"}, "_busy_timeout": {"300000"}}, 1, nil)
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), pool.Close()) }, nil
}
