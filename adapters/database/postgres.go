package database

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
)

// openPostgres speaks PostgreSQL's simple protocol unless a statement says
// otherwise. bun writes values into the SQL, so every text is new: preparing it
// would cost a round trip and gain nothing. The hottest reads are prepared
// ([statements]), until a pooler such as PgBouncer in transaction mode turns out
// to lose what is prepared.
//
// The session settings are those that PgBouncer keeps for each client. Without
// them a database's own defaults could change how values are read and written.
func openPostgres(url string, size int) (*bun.DB, error) {
	cfg, err := parsePostgres(url)
	if err != nil {
		return nil, err
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
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
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(pool, pgdialect.New()), nil
}

// lockDevice keeps others from adding a token for a device until the
// transaction ends. There may be no row yet to lock.
func lockDevice(ctx context.Context, db bun.IDB, of token.Device) error {
	name := fmt.Sprintf("%q %q %q %q", of.Email, of.Issuer, of.ClientID, of.Label)
	sum := secret.New("device", name).Digest()
	key := int64(binary.BigEndian.Uint64(sum[:8]))
	_, err := db.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", key)
	return mapError(ctx, err)
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
