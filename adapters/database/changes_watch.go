package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/devicegate/devicegate/ports"
)

// channel is that of PostgreSQL's notifications, each of which has a topic as its
// payload.
const channel = "devicegate_changes"

func (c *Changes) open(cfg Config) error {
	scheme, rest, _ := strings.Cut(cfg.URL, ":")
	switch scheme {
	case "postgres", "postgresql":
		to, err := postgresConnector(Config{URL: cfg.URL})
		if err != nil {
			return err
		}
		c.every = pooledInterval
		c.watch = func(ctx context.Context) error { return c.watchPostgres(ctx, to) }
		return nil
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return err
		}
		c.every = fileInterval
		c.watch = func(ctx context.Context) error { return c.watchSQLite(ctx, path) }
		if path == inMemory { // no other process has it
			c.watch = func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}
		}
		return nil
	}
	return errURL
}

func (c *Changes) watchPostgres(ctx context.Context, to pgConnector) error {
	connecting, cancel := context.WithTimeout(ctx, defaultOpTimeout)
	defer cancel()
	opened, err := to.Connect(connecting)
	if err != nil {
		return err
	}
	defer opened.Close()
	conn := opened.(*pgConn).Conn.Conn()
	if to.pooled.Load() {
		return c.poll(ctx,
			func(context.Context) (bool, error) { return true, nil },
			func(ctx context.Context) (versions, error) { return postgresVersions(ctx, conn) })
	}
	if _, err := conn.Exec(connecting, "LISTEN "+channel); err != nil {
		return err
	}
	c.setConnected(ctx)
	for c.notifyAll(); ; {
		err := c.listen(ctx, conn)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !pgconn.Timeout(err):
			return err
		}
		if err := ping(ctx, conn); err != nil { // a connection can break without an error
			return err
		}
		c.notifyAll()
	}
}

// listen passes PostgreSQL's notifications on, for [ports.ChangesRefresh].
func (c *Changes) listen(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, ports.ChangesRefresh)
	defer cancel()
	for {
		received, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		c.notify(ports.Topic(received.Payload))
	}
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return conn.Ping(ctx)
}

func postgresVersions(ctx context.Context, conn *pgx.Conn) (versions, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultOpTimeout)
	defer cancel()
	found, err := conn.Query(ctx, readVersions, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	return scanVersions(found)
}

// watchSQLite asks SQLite whether another connection has changed the file, and
// reads the versions only then.
func (c *Changes) watchSQLite(ctx context.Context, path string) (err error) {
	pool := sqlitePool(path, url.Values{"_busy_timeout": {"10000"}, "mode": {"rw"}}, 1, nil)
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	seen := int64(-1)
	changed := func(ctx context.Context) (bool, error) {
		last := seen
		err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&seen)
		return seen != last, err
	}
	return c.poll(ctx, changed, func(ctx context.Context) (versions, error) { return sqliteVersions(ctx, conn) })
}

func sqliteVersions(ctx context.Context, conn *sql.Conn) (versions, error) {
	found, err := conn.QueryContext(ctx, readVersions)
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	defer found.Close()
	return scanVersions(found)
}
