package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// Condition describes a database and its server, for operators.
type Condition struct {
	Product  string    // for example PostgreSQL 15.3
	Now      time.Time // by the server's clock; zero for SQLite
	ReadOnly bool      // a standby, or a server that is told to take no writes
	MaxConns int       // that the server allows to all programs; 0: it has no bound
	Missing  int       // migrations that are not applied
	Newer    int       // migrations that a newer release has applied
	OldQueue bool      // a table or a change of the job queue's is missing
	NoTables bool      // this user may not make tables where ours are looked for
}

// Inspect asks an opened database. It changes nothing. Its errors are for
// operators, in the driver's own words.
func Inspect(ctx context.Context, db *bun.DB) (Condition, error) {
	var c Condition
	if err := c.askServer(ctx, db); err != nil {
		return c, err
	}
	migrator, err := newMigrator(db)
	if err != nil {
		return c, err
	}
	if err := checkForeign(ctx, db); err != nil {
		return c, err
	}
	there, err := applied(ctx, db)
	if err != nil {
		return c, fmt.Errorf("check schema: %w", err)
	}
	delete(there, 0) // goose's own row
	for _, m := range migrator.ListSources() {
		if !there[m.Version] {
			c.Missing++
		}
		delete(there, m.Version)
	}
	c.Newer = len(there)
	c.OldQueue = c.Missing == 0 && checkQueue(ctx, db) != nil
	return c, nil
}

func (c *Condition) askServer(ctx context.Context, db *bun.DB) error {
	if !isPostgres(db) {
		if err := pingSQLite(ctx, db); err != nil {
			return err
		}
		return db.NewRaw("SELECT 'SQLite ' || sqlite_version()").Scan(ctx, &c.Product)
	}
	return db.NewRaw(`SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1), clock_timestamp(),
		pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean, current_setting('max_connections')::int,
		NOT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)`).
		Scan(ctx, &c.Product, &c.Now, &c.ReadOnly, &c.MaxConns, &c.NoTables)
}

// File is the file of a SQLite database, or "".
func (c Config) File() string {
	scheme, rest, _ := strings.Cut(c.URL, ":")
	if scheme != "sqlite" {
		return ""
	}
	path, err := sqlitePath(rest)
	if err != nil || path == inMemory {
		return ""
	}
	return path
}

// ErrNoFile says that there is no SQLite file where the configuration names one.
var ErrNoFile = errors.New("there is no database file")

// CheckFile returns [ErrNoFile] if [Open] would make a new SQLite file. A command
// for an installation that is there checks this first: a path with a mistake in
// it would be answered from an empty database.
func (c Config) CheckFile() error {
	file := c.File()
	if file == "" {
		return nil
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w %q; check DATABASE_URL and DATA_DIR, or make it with devicegate migrate", ErrNoFile, file)
	}
	return nil
}
