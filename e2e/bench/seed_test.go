package bench

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// seeder fills a database. The first row of each kind comes from the service
// itself; the others are copies of it under other keys, so that no column has
// to be known here.
type seeder struct {
	t        *testing.T
	db       *sql.DB
	postgres bool

	pending, approved, token string // ids of the rows that are copied
	codes, tokens, redeems   int    // how many copies there are
}

// farAway keeps seeded codes valid however long a run takes, and tokens from
// being marked as used in the middle of it.
const farAway = "2099-01-01 00:00:00.000000+00:00"

const stampLayout = "2006-01-02 15:04:05.000000+00:00"

func newSeeder(t *testing.T, database string, service *program) *seeder {
	t.Helper()
	s := &seeder{t: t, postgres: strings.HasPrefix(database, "postgres")}
	driver, dsn := "pgx", database
	if !s.postgres {
		driver, dsn = "sqlite", "file:"+strings.TrimPrefix(database, "sqlite:")+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	}
	var err error
	if s.db, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	s.db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = s.db.Close() })

	s.pending, _ = s.start(service)
	s.exec("UPDATE device_authorizations SET expires_at = ? WHERE id = ?", farAway, s.pending)

	spent, code := s.start(service)
	s.approve(spent)
	if _, err := call(service, pollRequest(pollPath, code), http.StatusOK); err != nil {
		t.Fatalf("redeem the first code: got %v, want no error", err)
	}
	s.row("SELECT id FROM oauth_access_tokens", &s.token)
	s.exec("UPDATE oauth_access_tokens SET last_used_at = ? WHERE id = ?", farAway, s.token)

	s.approved, _ = s.start(service)
	s.approve(s.approved)
	return s
}

// start begins a real authorization.
func (s *seeder) start(service *program) (id, code string) {
	s.t.Helper()
	body, err := call(service, startRequest(startPath, ""), http.StatusOK)
	if err != nil {
		s.t.Fatalf("start a device: got %v, want no error", err)
	}
	var started struct {
		DeviceCode string `json:"device_code"`
	}
	if err := json.Unmarshal(body, &started); err != nil {
		s.t.Fatal(err)
	}
	s.row("SELECT id FROM device_authorizations WHERE device_code_hash = ?", &id, hash(started.DeviceCode))
	return id, started.DeviceCode
}

func (s *seeder) approve(id string) {
	s.t.Helper()
	s.exec(`UPDATE device_authorizations SET status = 'approved', expires_at = ?, decided_at = ?, token_id = ?,
		subject_email = ?, subject_issuer = 'https://idp.bench.example' WHERE id = ?`,
		farAway, time.Now().UTC().Format(stampLayout), rowID("first", s.count("oauth_access_tokens")), "first@bench.example", id)
}

// addCodes adds n codes that wait for a decision and returns the first one's number.
func (s *seeder) addCodes(n int) (first int) {
	first = s.codes
	s.codes += n
	s.copy("device_authorizations", s.pending, []string{"id", "device_code_hash", "user_code"}, first, n, func(i int) []string {
		return []string{rowID("code", i), hash(deviceCode(i)), userCode(i)}
	})
	return first
}

// redeemable keeps approved codes apart from those that wait.
const redeemable = 100_000_000

// addApproved adds n codes that can be redeemed, each by another person.
func (s *seeder) addApproved(n int) (first int) {
	first = redeemable + s.redeems
	s.redeems += n
	columns := []string{"id", "device_code_hash", "user_code", "token_id", "subject_email"}
	s.copy("device_authorizations", s.approved, columns, first, n, func(i int) []string {
		return []string{rowID("code", i), hash(deviceCode(i)), userCode(i), rowID("redeemed", i), email(i)}
	})
	return first
}

// addTokens adds n live tokens of as many people.
func (s *seeder) addTokens(n int) (first int) {
	first = s.tokens
	s.tokens += n
	s.copy("oauth_access_tokens", s.token, []string{"id", "token_hash", "subject_email"}, first, n, func(i int) []string {
		return []string{rowID("token", i), hash(accessToken(i)), email(i)}
	})
	return first
}

// settle leaves nothing for the database to tidy up during a measurement.
func (s *seeder) settle() {
	s.t.Helper()
	if s.postgres {
		s.exec("VACUUM ANALYZE")
		s.exec("CHECKPOINT")
		return
	}
	s.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

const batch = 5000

// copy inserts n copies of a row that differ in the named columns.
func (s *seeder) copy(table, row string, columns []string, first, n int, values func(i int) []string) {
	s.t.Helper()
	var select_, rest []string
	for i, name := range columns {
		select_ = append(select_, s.element(table, name, i))
	}
	for _, name := range s.columns(table) {
		if !slices.Contains(columns, name) {
			rest = append(rest, name)
		}
	}
	each := "json_each(?) AS e(value)"
	if s.postgres {
		each = "jsonb_array_elements(?::jsonb) AS e(value)"
	} else {
		each = "json_each(?) AS e"
	}
	statement := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s, %s AS t WHERE t.id = ?", table,
		strings.Join(slices.Concat(columns, rest), ", "), strings.Join(slices.Concat(select_, prefixed("t.", rest)), ", "), each, table)
	for from := first; from < first+n; from += batch {
		var rows [][]string
		for i := from; i < min(from+batch, first+n); i++ {
			rows = append(rows, values(i))
		}
		list, err := json.Marshal(rows)
		if err != nil {
			s.t.Fatal(err)
		}
		s.exec(statement, string(list), row)
	}
}

// element is the ith value of a copy, in its column's type.
func (s *seeder) element(table, column string, i int) string {
	if !s.postgres {
		return fmt.Sprintf("json_extract(e.value, '$[%d]')", i)
	}
	var kind string
	s.row("SELECT udt_name FROM information_schema.columns WHERE table_name = ? AND column_name = ? AND table_schema = current_schema()", &kind, table, column)
	return fmt.Sprintf("(e.value->>%d)::%s", i, kind)
}

func (s *seeder) columns(table string) (names []string) {
	s.t.Helper()
	query := "SELECT name FROM pragma_table_info(?)"
	if s.postgres {
		query = "SELECT column_name FROM information_schema.columns WHERE table_name = ? AND table_schema = current_schema()"
	}
	rows, err := s.db.QueryContext(s.t.Context(), s.rebound(query), table)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) == 0 {
		s.t.Fatalf("columns of %s: got %q, %v, want at least one", table, names, err)
	}
	return names
}

func (s *seeder) count(table string) (n int) {
	s.t.Helper()
	s.row("SELECT count(*) FROM "+table, &n)
	return n
}

func (s *seeder) exec(statement string, args ...any) {
	s.t.Helper()
	if _, err := s.db.ExecContext(s.t.Context(), s.rebound(statement), args...); err != nil {
		s.t.Fatalf("got %v, want no error of\n%s", err, statement)
	}
}

func (s *seeder) row(query string, dest any, args ...any) {
	s.t.Helper()
	if err := s.db.QueryRowContext(s.t.Context(), s.rebound(query), args...).Scan(dest); err != nil {
		s.t.Fatalf("got %v, want a row of\n%s", err, query)
	}
}

func (s *seeder) rebound(statement string) string {
	if !s.postgres {
		return statement
	}
	return rebind(statement)
}

// rebind writes PostgreSQL's placeholders for question marks.
func rebind(statement string) string {
	var out strings.Builder
	n := 0
	for _, r := range statement {
		if r != '?' {
			out.WriteRune(r)
			continue
		}
		n++
		fmt.Fprintf(&out, "$%d", n)
	}
	return out.String()
}

func prefixed(prefix string, names []string) (out []string) {
	for _, name := range names {
		out = append(out, prefix+name)
	}
	return out
}

// call sends one request on a connection of its own.
func call(p *program, request []byte, want int) ([]byte, error) {
	c, err := dial(p.addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.conn.Close() }()
	status, body, err := c.do(request)
	if err == nil && status != want {
		err = fmt.Errorf("got status %d and %s, want %d", status, body, want)
	}
	return body, err
}
