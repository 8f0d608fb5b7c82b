package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
	"github.com/devicegate/devicegate/ports"
)

// Many logins pass through a database: some at a time, until all of these have
// ended and their retention is over. Then a worker sweeps, while others log in.
func TestManyLoginsPassThroughASmallDatabase(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := services.Postgres
		if *long {
			url = services.DurablePostgres
		}
		manyLogins(t, newAgedLogins(t, url(t), true), cmp.Or(*logins, either(100_000, 2_000)))
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		manyLogins(t, newAgedLogins(t, "sqlite:"+filepath.Join(t.TempDir(), "devicegate.db"), false), cmp.Or(*logins/10, either(20_000, 1_000)))
	})
}

func manyLogins(t *testing.T, a *agedLogins, size int) {
	var lost lost
	rounds := either(10, 2)
	if a.postgres { // beside a file the process that serves does the work
		worker := a.Run(nil, "worker", "--no-schedule")
		defer worker.Stop()
	}
	before := a.sizes()
	var peak sizes
	var after []string
	var wait, start, copying time.Duration
	var beside int64
	swept := map[ports.JobKind]time.Duration{}
	began := time.Now()
	turns := time.NewTicker(time.Second) // more would be above ten approvals of each person in an hour
	defer turns.Stop()
	for round := range rounds {
		day := time.Now().UTC().AddDate(0, 0, round-100)
		added := time.Now()
		a.add(size/rounds, day)
		copying += time.Since(added)
		if now := a.sizes(); now.bytes > peak.bytes {
			peak = now
		}
		waits := a.watchLocks()
		people, starters := a.peopleAt(turns.C, 1, &lost), a.startersEvery(100*time.Millisecond, 1, &lost)
		people.more(a.fixture, 1)
		for _, kind := range []ports.JobKind{ports.SweepExpired, ports.SweepTokens, ports.SealAudit, ports.SweepAudit} {
			if kind == ports.SealAudit {
				a.date(day)
			}
			swept[kind] += a.work(kind)
		}
		people.more(a.fixture, 1)
		people.stop()
		starters.stop()
		beside += people.done.Load() + int64(len(starters.started))
		wait, start = max(wait, waits()), max(start, time.Duration(starters.slowest.Load()))
		a.exec("VACUUM")
		after = append(after, mebibytes(a.sizes().bytes))
		t.Logf("%d of %d logins after %s: %v, database %s, longest wait %s, %d logins were begun beside them", (round+1)*(size/rounds), size, time.Since(began).Round(time.Second), swept, after[round], wait, beside)
	}
	swelled := a.sizes()
	if a.postgres { // gives back the room of the rows that went, as VACUUM does in SQLite
		a.exec("VACUUM FULL")
	}
	end := a.sizes()
	t.Logf("database %s after the last sweep, %s once it has given its room back", mebibytes(swelled.bytes), mebibytes(end.bytes))
	t.Logf("%-24s %24s %24s %24s %24s", "rows of the old logins", "before", "peak", "after", "room given back")
	for _, table := range a.grow() {
		if n := end.rows[table]; n != 0 {
			lost.add("%d old rows of %s are still there", n, table)
		}
		t.Logf("%-24s %24s %24s %24s %24s", table, before.of(table), peak.of(table), swelled.of(table), end.of(table))
	}
	locks := "not asked for"
	if a.postgres {
		locks = wait.Round(time.Millisecond).String()
	}
	lost.outcome(t, "%d logins in %s, %d at a time, copied in %s; database %s before, %s at the peak, %s after the sweeps of each time; "+
		"sweeps took in all: expired %s, tokens %s, sealing %s, audit %s; beside them %d logins were begun, the longest wait for a lock %s, the slowest start of a login %s",
		size, time.Since(began).Round(time.Second), size/rounds, copying.Round(time.Second), mebibytes(before.bytes), mebibytes(peak.bytes), strings.Join(after, " "),
		swept[ports.SweepExpired], swept[ports.SweepTokens], swept[ports.SealAudit], swept[ports.SweepAudit], beside, locks, start.Round(time.Millisecond))
}

// agedLogins copies the rows of real logins, as if these had been made long ago.
type agedLogins struct {
	*fixture
	store    *bun.DB
	queue    *jobs.Queue
	postgres bool
	tables   []string
	copies   int
}

// examples is how many real logins there are to copy.
const examples = 10

func newAgedLogins(t *testing.T, databaseURL string, postgres bool) *agedLogins {
	t.Helper()
	address := fmt.Sprintf("localhost:%d", services.Port(t))
	a := &agedLogins{fixture: newFixture(t, "http://"+address, databaseURL, ""), postgres: postgres, tables: []string{
		"device_authorizations", "sso_transactions", "approval_grants", "spent_assertions", // the one first to which others refer
		"oauth_access_tokens", "phishing_observations", "audit_events",
	}}
	a.Env["AUDIT_RETENTION_DAYS"] = "30"
	a.serve(address)
	a.introduce()
	for range examples {
		if _, err := a.logIn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a.store = a.db()
	for _, table := range a.tables {
		a.exec("CREATE TABLE example_" + table + " AS SELECT * FROM " + table)
	}
	var err error
	if a.queue, err = jobs.NewQueue(jobs.Database{DB: a.store.DB, Postgres: postgres}); err != nil {
		t.Fatal(err)
	}
	return a
}

// atOnce bounds the logins that one statement adds.
const atOnce = 5_000

// add adds the rows of n logins that were made on a day.
func (a *agedLogins) add(n int, day time.Time) {
	a.t.Helper()
	series := "generate_series(?1, ?2) AS s(i)"
	if !a.postgres {
		series = "(WITH RECURSIVE c(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM c WHERE i < ?2) SELECT i FROM c)"
	}
	for n >= examples {
		each := min(n, atOnce) / examples
		for _, table := range a.tables {
			columns := a.columns(table)
			values := make([]string, len(columns))
			for i, column := range columns {
				values[i] = a.value(column)
			}
			a.exec(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM example_%s, %s ORDER BY i", table, strings.Join(columns, ", "), strings.Join(values, ", "), table, series), a.daysTo(day), a.copies, a.copies+each-1)
		}
		a.copies += each
		n -= each * examples
	}
}

// daysTo is how many days ago a day was.
func (a *agedLogins) daysTo(day time.Time) int { return int(time.Since(day).Hours()/24 + .5) }

// value is that of a column in the copy with the number i: names that have to be
// unique get the number into them, and times are moved by the argument 0, in days.
func (a *agedLogins) value(column string) string {
	number := "lpad(to_hex(i), 12, '0')"
	if !a.postgres {
		number = "printf('%012x', i)"
	}
	switch {
	case slices.Contains([]string{"client_id", "request_id", "subject_name_id", "person_name_id"}, column):
		return column
	case column == "id" || strings.HasSuffix(column, "_id"):
		if a.postgres {
			return fmt.Sprintf("(left(%s::text, 24) || %s)::uuid", column, number)
		}
		return fmt.Sprintf("substr(%s, 1, 24) || %s", column, number)
	case strings.HasSuffix(column, "_hash"):
		return fmt.Sprintf("substr(%s, 1, length(%s) - 12) || %s", column, column, number)
	case column == "user_code" || column == "device_label":
		return column + " || " + number
	case column == "time" || column == "at" || strings.HasSuffix(column, "_at"):
		if a.postgres {
			return "date_trunc('second', " + column + ") - ?0 * interval '1 day' + i % 1000000 * interval '1 microsecond'"
		}
		return fmt.Sprintf("date(substr(%s, 1, 10), '-' || ?0 || ' days') || substr(%s, 11, 10) || printf('%%06d', i %% 1000000) || substr(%s, 27)", column, column, column)
	}
	return column
}

func (a *agedLogins) columns(table string) (names []string) {
	a.t.Helper()
	query := "SELECT name FROM pragma_table_info(?)"
	if a.postgres {
		query = "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
	}
	if err := a.store.NewRaw(query, table).Scan(a.t.Context(), &names); err != nil {
		a.t.Fatal(err)
	}
	return names
}

// date moves to a day what the worker recorded of old tokens, and forgets the seals
// of the days from then on.
func (a *agedLogins) date(day time.Time) {
	a.t.Helper()
	text := day.Format(time.DateOnly)
	a.exec("UPDATE audit_events SET time = ? WHERE event = 'oauth.token_expired'", text+" 23:00:00.000000+00:00")
	a.exec("DELETE FROM audit_seals WHERE day >= ?", text)
}

// work has the worker do a job, with those that go on where one stops, and returns
// how long they took.
func (a *agedLogins) work(kind ports.JobKind) (took time.Duration) {
	a.t.Helper()
	a.exec("DELETE FROM river_job WHERE finalized_at IS NOT NULL")
	err := a.store.RunInTx(a.t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		return a.queue.Enqueue(ctx, tx.Tx, ports.Job{Kind: kind})
	})
	if err != nil {
		a.t.Fatal(err)
	}
	systemtest.Within(a.t, 10*time.Minute, "the worker is done", func() bool {
		return a.number("SELECT count(*) FROM river_job WHERE finalized_at IS NULL") == 0
	})
	if n := a.number("SELECT count(*) FROM river_job WHERE state <> 'completed'"); n != 0 {
		a.t.Fatalf("got %d jobs %s that were given up, want none", n, kind)
	}
	milliseconds := "SELECT CAST(sum(julianday(finalized_at) - julianday(attempted_at)) * 86400000 AS integer) FROM river_job"
	if a.postgres {
		milliseconds = "SELECT CAST(sum(extract(epoch FROM finalized_at - attempted_at)) * 1000 AS bigint) FROM river_job"
	}
	return time.Duration(a.number(milliseconds)) * time.Millisecond
}

// grow are the tables that grow with logins.
func (a *agedLogins) grow() []string { return append(slices.Clip(a.tables), "audit_links") }

// old counts the rows of old logins, all of which sweeps have to take.
func (a *agedLogins) old(table string) int64 {
	a.t.Helper()
	column := map[string]string{"oauth_access_tokens": "created_at", "phishing_observations": "at", "audit_events": "time", "audit_links": "time"}[table]
	return a.number("SELECT count(*) FROM "+table+" WHERE "+cmp.Or(column, "expires_at")+" < ?", time.Now().UTC().AddDate(0, 0, -20).Format("2006-01-02 15:04:05.000000+00:00"))
}

// sizes are those of tables.
type sizes struct {
	rows  map[string]int64 // of old logins
	disk  map[string]int64 // with indexes; SQLite: not known
	bytes int64            // of the whole database
}

func (s sizes) of(table string) string {
	if s.disk == nil {
		return fmt.Sprintf("%d rows", s.rows[table])
	}
	return fmt.Sprintf("%d rows %s", s.rows[table], mebibytes(s.disk[table]))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func (a *agedLogins) sizes() sizes {
	a.t.Helper()
	s := sizes{rows: map[string]int64{}}
	for _, table := range a.grow() {
		s.rows[table] = a.old(table)
	}
	if !a.postgres {
		s.bytes = a.number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
		return s
	}
	s.bytes, s.disk = a.number("SELECT pg_database_size(current_database())"), map[string]int64{}
	for _, table := range a.grow() {
		s.disk[table] = a.number("SELECT pg_total_relation_size(?::regclass)", table)
	}
	return s
}

// lockWatch is the pause between two looks: waits that are shorter may not be seen.
const lockWatch = 10 * time.Millisecond

// watchLocks looks for waits of transactions for each other until its result is
// called, which is the longest.
func (a *agedLogins) watchLocks() (longest func() time.Duration) {
	if !a.postgres {
		return func() time.Duration { return 0 }
	}
	ctx, cancel := context.WithCancel(a.t.Context())
	done := make(chan time.Duration, 1)
	go func() {
		var most float64
		again := time.NewTicker(lockWatch)
		defer again.Stop()
		for ctx.Err() == nil {
			<-again.C
			var seconds float64
			err := a.store.NewRaw("SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float FROM pg_locks"+
				" WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())").Scan(ctx, &seconds)
			if err != nil && ctx.Err() == nil {
				a.t.Errorf("got %v, want the longest wait for a lock", err)
			}
			most = max(most, seconds)
		}
		done <- time.Duration(most * float64(time.Second))
	}()
	return func() time.Duration { cancel(); return <-done }
}

func (a *agedLogins) exec(statement string, args ...any) {
	a.t.Helper()
	if _, err := a.store.NewRaw(statement, args...).Exec(a.t.Context()); err != nil {
		a.t.Fatalf("got %v, want no error of\n%s", err, statement)
	}
}

func (a *agedLogins) number(query string, args ...any) (n int64) {
	a.t.Helper()
	if err := a.store.NewRaw(query, args...).Scan(a.t.Context(), &n); err != nil {
		a.t.Fatalf("got %v, want a number of\n%s", err, query)
	}
	return n
}
