package database

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/uptrace/bun"
)

// Config says where the database is and how it is used.
type Config struct {
	// URL names the database:
	//
	//	postgres://user:password@host:5432/name?sslmode=verify-full
	//	postgresql://…                   the same
	//	sqlite:///var/lib/devicegate.db  a file by its absolute path
	//	sqlite:////var/lib/devicegate.db the same, as SQLAlchemy writes it
	//	sqlite:data/devicegate.db        a file relative to the working directory
	//	sqlite://./data/devicegate.db    the same
	//	sqlite:///devicegate.db          the same: nobody keeps databases in /
	//	sqlite::memory:                  forgotten when it is closed
	//
	// Whatever libpq understands may follow a PostgreSQL URL's question mark. A
	// SQLite file and its directory are made if need be, for our user alone.
	URL string
	// Migrate says what happens at start; empty is [MigrateAuto].
	Migrate MigrateMode
	// DifyAccounts says that this is Dify's database, whose accounts' addresses
	// are looked up in it.
	DifyAccounts bool
}

// MigrateMode says what happens to the schema at start.
type MigrateMode string

// The modes.
const (
	MigrateAuto  MigrateMode = "auto"  // [Migrate]
	MigrateCheck MigrateMode = "check" // [CheckSchema]
	MigrateOff   MigrateMode = "off"   // nothing
)

// poolSize bounds the connections: PostgreSQL allows 100 over all replicas unless
// told otherwise, and migrating takes two.
const poolSize = 16

var errURL = errors.New("database URL: use postgres://user:password@host/name or sqlite:///path/to/file.db")

// Open opens the database without connecting to it. Its errors say what is
// wrong with the configuration, and never repeat the URL: it holds a password.
func Open(cfg Config) (*bun.DB, error) {
	scheme, rest, _ := strings.Cut(cfg.URL, ":")
	switch scheme {
	case "postgres", "postgresql":
		return openPostgres(cfg.URL, poolSize)
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return openSQLite(path, poolSize)
	}
	return nil, errURL
}

// sqlitePath is the file that a URL names after its scheme; see [Config].
func sqlitePath(rest string) (string, error) {
	path, err := url.PathUnescape(strings.TrimPrefix(rest, "//"))
	if err != nil || strings.ContainsAny(rest, "?#") || strings.Contains(path, "\x00") {
		return "", fmt.Errorf("%w; a SQLite URL takes no parameters", errURL)
	}
	absolute := strings.HasPrefix(path, "/")
	path = strings.TrimLeft(path, "/")
	switch {
	case path == "":
		return "", fmt.Errorf("%w; this one names no file", errURL)
	case path == inMemory, !absolute:
		return path, nil
	case !strings.Contains(path, "/"), strings.HasPrefix(path, "./"), strings.HasPrefix(path, "../"):
		return path, nil
	}
	return "/" + path, nil
}
