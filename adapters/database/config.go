package database

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/setting"
)

// Config says where the database is and how it is used.
type Config struct {
	// URL names the database:
	//
	//	postgres://user:password@host:5432/name?sslmode=verify-full
	//	postgresql://…                   the same
	//	postgres://…@one:5432,two:5432/… the one that takes writes
	//	sqlite:///var/lib/devicegate.db  a file by its absolute path
	//	sqlite:////var/lib/devicegate.db the same, as SQLAlchemy writes it
	//	sqlite:data/devicegate.db        a file relative to the working directory
	//	sqlite://./data/devicegate.db    the same
	//	sqlite:///devicegate.db          the same: a database does not belong into /
	//	sqlite::memory:                  forgotten when it is closed
	//
	// Whatever libpq understands may follow a PostgreSQL URL's question mark. A
	// SQLite file and its directory are made if need be, for our user alone.
	URL string
	// Migrate says what happens at start; empty is [MigrateAuto].
	Migrate MigrateMode
	// MaxConns bounds the connections of this process; 0 is 10.
	MaxConns int
	// MaxIdleConns bounds those that are kept for later; 0 is MaxConns.
	MaxIdleConns int
	// ConnMaxLifetime ends PostgreSQL connections, so that they follow a
	// failover; 0 is an hour.
	ConnMaxLifetime time.Duration
	// DifyAccounts says that this is Dify's database, whose accounts' addresses
	// are looked up in it.
	DifyAccounts bool
	// Beside says that another process serves from the same SQLite file, whose requests
	// come first.
	Beside bool
	// Tracer makes a span of each statement of a traced request; nil: none.
	Tracer *tracing.Tracer
	// Clock is kept in step with PostgreSQL's while the pool is open; nil: none is.
	Clock *Clock
}

// MigrateMode says what happens to the schema at start.
type MigrateMode string

// The modes.
const (
	MigrateAuto  MigrateMode = "auto"  // [Migrate]
	MigrateCheck MigrateMode = "check" // [CheckSchema]
	MigrateOff   MigrateMode = "off"   // nothing
)

// PostgreSQL allows 100 connections unless told otherwise, three of them for
// administrators: the default leaves room for nine replicas.
const (
	defaultMaxConns        = 10
	defaultConnMaxLifetime = time.Hour
)

// The bounds of [Config.MaxConns]. Migrating takes two connections.
const minConns, maxConns = 2, 1000

const urlForm = "use postgres://user:password@host:5432/name (several hosts: one:5432,two:5432, each with its port) or sqlite:///path/to/file.db; " +
	"in a password write @ as %40, # as %23, / as %2F, ? as %3F and % as %25"

var errURL = errors.New("database URL: " + urlForm)

// Check lists what is wrong with the configuration. It connects to nothing,
// makes no file, and repeats nothing of the URL, which holds a password.
func (c Config) Check() error {
	var errs []error
	if !c.usable() {
		errs = append(errs, setting.Wrong("URL", "%s", urlForm))
	}
	switch c.Migrate {
	case "", MigrateAuto, MigrateCheck, MigrateOff:
	default:
		errs = append(errs, setting.Wrong("Migrate", "%q is none of auto, check, off", c.Migrate))
	}
	if c.MaxConns != 0 && (c.MaxConns < minConns || c.MaxConns > maxConns) {
		errs = append(errs, setting.Wrong("MaxConns", "%d lies outside %d to %d", c.MaxConns, minConns, maxConns))
	}
	if c.MaxIdleConns < 0 || c.MaxIdleConns > maxConns {
		errs = append(errs, setting.Wrong("MaxIdleConns", "%d lies outside 0 to %d", c.MaxIdleConns, maxConns))
	}
	if c.ConnMaxLifetime != 0 && c.ConnMaxLifetime < time.Second {
		errs = append(errs, setting.Wrong("ConnMaxLifetime", "%s is shorter than 1s", c.ConnMaxLifetime))
	}
	return errors.Join(errs...)
}

func (c Config) usable() bool {
	scheme, rest, _ := strings.Cut(c.URL, ":")
	switch scheme {
	case "postgres", "postgresql":
		_, err := parsePostgres(c.URL)
		return err == nil
	case "sqlite":
		path, err := sqlitePath(rest)
		return err == nil && !strings.HasSuffix(path, "/")
	}
	return false
}

// Open opens the database without connecting to it. Its errors say what is
// wrong with the configuration, and never repeat the URL: it holds a password.
func Open(cfg Config) (*bun.DB, error) {
	cfg.MaxConns = cmp.Or(cfg.MaxConns, defaultMaxConns)
	cfg.MaxIdleConns = cmp.Or(cfg.MaxIdleConns, cfg.MaxConns)
	cfg.ConnMaxLifetime = cmp.Or(cfg.ConnMaxLifetime, defaultConnMaxLifetime)
	scheme, rest, _ := strings.Cut(cfg.URL, ":")
	switch scheme {
	case "postgres", "postgresql":
		db, err := openPostgres(cfg)
		if err != nil {
			return nil, err
		}
		db.SetMaxIdleConns(cfg.MaxIdleConns)
		db.SetConnMaxLifetime(cfg.ConnMaxLifetime)
		return db, nil
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return openSQLite(path, cfg)
	}
	return nil, errURL
}

var parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// parsePostgres reads a PostgreSQL URL. It refuses one in which a character of
// the password ends the password: the rest would be dialled as a host name and
// printed as one. It does not quote the URL.
func parsePostgres(text string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || strings.Contains(text, "#") || strings.Contains(u.EscapedPath(), "@") {
		return nil, errURL
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, named := strings.Cut(pair, "=")
		if pair != "" && (!named || !parameterName.MatchString(name) || strings.Contains(value, "@") && name != "password" && name != "user") {
			return nil, errURL
		}
	}
	cfg, err := pgx.ParseConfig(escapeUser(text, u))
	if err != nil { // it may quote a password that it did not recognise as one
		return nil, errURL
	}
	return cfg, nil
}

// escapeUser writes an @ of the user or the password as %40. net/url takes the
// last @ for the one before the host; pgx takes the first, and would dial the
// end of a password.
func escapeUser(text string, u *url.URL) string {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || u.User == nil {
		return text
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + u.User.String() + rest[strings.LastIndex(rest[:end], "@"):]
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
