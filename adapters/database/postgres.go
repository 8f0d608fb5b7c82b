package database

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
)

// openPostgres prepares the statements of [statements], unless a pooler lies
// between ([pgConnector]) or default_query_exec_mode in the URL says otherwise.
// Everything else goes by the simple protocol: bun writes values into the SQL, so
// every text is new.
func openPostgres(c Config) (*bun.DB, error) {
	to, err := postgresConnector(c)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(to)
	pool.SetMaxOpenConns(c.MaxConns)
	pool.SetMaxIdleConns(c.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(pool, postgresDialect()), nil
}

// postgresConnector sets the settings of each session: those that PgBouncer
// keeps for each client. Without them a database's own defaults could change how
// values are read and written.
func postgresConnector(c Config) (pgConnector, error) {
	cfg, err := parsePostgres(c.URL)
	if err != nil {
		return pgConnector{}, err
	}
	if c.Tracer != nil {
		cfg.Tracer = pgTracer{c.Tracer}
	}
	cfg.RuntimeParams["standard_conforming_strings"] = "on" // bun escapes for it
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	cfg.RuntimeParams["datestyle"] = "ISO"
	cfg.RuntimeParams["timezone"] = "UTC"
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "devicegate"
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	return newPGConnector(*cfg, cfg.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement), nil
}

// lockDevice keeps others from adding a token for a device until the
// transaction ends. There may be no row yet to lock. It is a statement of its
// own: what the next one reads must not be older than the lock.
func lockDevice(conn *sql.Conn, of token.Device) error {
	name := fmt.Sprintf("%q %q %q %q", of.Email, of.Issuer, of.ClientID, of.Label)
	sum := secret.New("device", name).Digest()
	key := int64(binary.BigEndian.Uint64(sum[:8]))
	return onPG(conn, func(c *pgConn) error {
		return c.later(query{text: "SELECT pg_advisory_xact_lock($1)", args: []any{key}})
	})
}

// migrationKey names the advisory lock of [Migrate] within one database.
const migrationKey = 0x6465766963656761 // "devicega"

// postgresMigrationLock waits until no other process migrates. The lock is a transaction's
// and not a session's, because PgBouncer in transaction mode shares sessions.
// A process that waits asks anew instead of queueing, because a queue as long as
// the pooler's pool leaves no connection to migrate with.
func postgresMigrationLock(ctx context.Context, db *bun.DB) (release func() error, err error) {
	for {
		release, err := tryPostgresMigrationLock(ctx, db)
		if release != nil || err != nil {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(migrationPause):
		}
	}
}

const migrationPause = 100 * time.Millisecond

// tryPostgresMigrationLock returns nothing while another process migrates.
func tryPostgresMigrationLock(ctx context.Context, db *bun.DB) (release func() error, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var alone bool
	err = tx.NewRaw("SELECT pg_try_advisory_xact_lock(?)", int64(migrationKey)).Scan(ctx, &alone)
	if err == nil && alone {
		// It idles for as long as the migrations take.
		_, err = tx.ExecContext(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0")
	}
	if err != nil || !alone {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx.Rollback, nil
}
