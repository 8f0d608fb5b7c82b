package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

const memory = ":memory:"

// openSQLite makes the file if need be, for our user alone; SQLite gives its
// journal the same mode. Transactions lock for writing when they begin: one
// that reads first and writes later could not be given the lock any more.
// Every commit is on disk before it is answered.
func openSQLite(path string, size int) (*bun.DB, error) {
	options := url.Values{"_foreign_keys": {"1"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}, "_busy_timeout": {"10000"}}
	if path == memory { // each connection would have a database of its own
		return bun.NewDB(sqlitePool(memory, options, 1), sqlitedialect.New()), nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("database directory: %w", err)
	}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("database file: %w", err)
	}
	options.Set("_journal_mode", "WAL") // readers do not wait for the writer
	return bun.NewDB(sqlitePool(path, options, size), sqlitedialect.New()), nil
}

// private makes the file if there is none.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func sqlitePool(path string, options url.Values, size int) *sql.DB {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		panic(err) // the driver is linked in and reads the DSN when it connects
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool
}

// sqliteLock is goose's session lock: a transaction on an empty database file
// beside ours, which ends with its process, however that ends. It cannot be on
// our own file: goose's own transactions would wait for it.
type sqliteLock struct {
	pool *sql.DB
	tx   *sql.Tx
}

// SessionLock waits until no other process migrates the file.
func (l *sqliteLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var file string
	err := conn.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file)
	if err != nil || file == "" { // nobody else can have it in memory
		return err
	}
	file += "-migrating"
	if err := private(file); err != nil {
		return err
	}
	l.pool = sqlitePool(file, url.Values{"_txlock": {"exclusive"}, "_busy_timeout": {"300000"}}, 1)
	if l.tx, err = l.pool.BeginTx(ctx, nil); err != nil {
		return errors.Join(err, l.pool.Close())
	}
	return nil
}

// SessionUnlock lets the next one in.
func (l *sqliteLock) SessionUnlock(context.Context, *sql.Conn) error {
	if l.pool == nil {
		return nil
	}
	return errors.Join(l.tx.Rollback(), l.pool.Close())
}
