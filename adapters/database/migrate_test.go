package database_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

const crowd = 5

// Case O01: five replicas start at once on an empty database.
func TestFiveMigratorsAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		url := engine.URL(t)
		errs := make([]error, crowd)
		var wg sync.WaitGroup
		for i := range crowd {
			db := databasetest.Open(t, url)
			wg.Go(func() { errs[i] = database.Prepare(t.Context(), db, database.MigrateAuto) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		appliedOnce(t, databasetest.Open(t, url))
	})
}

// migrateURL makes this test binary a replica: see the test below.
const migrateURL = "DEVICEGATE_TEST_MIGRATE_URL"

func TestFiveMigratingProcessesAtOnce(t *testing.T) {
	if url := os.Getenv(migrateURL); url != "" {
		if err := database.Prepare(t.Context(), databasetest.Open(t, url), database.MigrateAuto); err != nil {
			t.Fatal(err)
		}
		return
	}
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		url := engine.URL(t)
		processes := make([]*exec.Cmd, crowd)
		output := make([]strings.Builder, crowd)
		for i := range processes {
			p := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFiveMigratingProcessesAtOnce$")
			p.Env = append(os.Environ(), migrateURL+"="+url)
			p.Stdout, p.Stderr = &output[i], &output[i]
			processes[i] = p
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range processes {
			if err := p.Wait(); err != nil {
				t.Errorf("process %d: got %v, want no error: %s", i, err, output[i].String())
			}
		}
		appliedOnce(t, databasetest.Open(t, url))
	})
}

func appliedOnce(t *testing.T, db *bun.DB) {
	t.Helper()
	if err := database.CheckSchema(t.Context(), db); err != nil {
		t.Error(err)
	}
	var twice int
	err := db.NewRaw("SELECT count(*) FROM (SELECT version_id FROM devicegate_schema GROUP BY version_id HAVING count(*) > 1) AS d").
		Scan(t.Context(), &twice)
	if err != nil || twice != 0 {
		t.Errorf("got %d migrations applied more than once (%v), want 0", twice, err)
	}
}

// TestAFileOfAnotherProgramIsLeftAsItIs: DATABASE_URL may name the wrong file.
func TestAFileOfAnotherProgramIsLeftAsItIs(t *testing.T) {
	db := databasetest.Open(t, "sqlite:"+filepath.ToSlash(filepath.Join(t.TempDir(), "other.db")))
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE dashboard (id INTEGER PRIMARY KEY AUTOINCREMENT)"); err != nil {
		t.Fatal(err)
	}
	before := tablesIn(t, db)
	var foreign *database.ForeignFileError
	if err := database.Prepare(t.Context(), db, database.MigrateAuto); !errors.As(err, &foreign) || foreign.Table != "dashboard" {
		t.Errorf("a start: got %v, want the table that is not ours", err)
	}
	if _, err := database.Inspect(t.Context(), db); !errors.As(err, &foreign) {
		t.Errorf("an inspection: got %v, want the table that is not ours", err)
	}
	if after := tablesIn(t, db); after != before {
		t.Errorf("got the tables %s, want %s as before", after, before)
	}
}

func tablesIn(t *testing.T, db *bun.DB) (names string) {
	t.Helper()
	if err := db.NewRaw("SELECT group_concat(name) FROM sqlite_master").Scan(t.Context(), &names); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestAStartSaysWhatTheDatabaseSays: trying again in a few seconds mends no wrong name.
func TestAStartSaysWhatTheDatabaseSays(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte("this is no database, but longer than its header would be, which has 100 bytes: that is read first."), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"sqlite:" + filepath.ToSlash(folder): filepath.Base(folder),
		"sqlite:" + filepath.ToSlash(text):   "not a database",
		"postgres://gate@127.0.0.1:1/x":      "refused",
	} {
		err := database.Prepare(t.Context(), databasetest.Open(t, url), database.MigrateAuto)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), fault.ErrUnavailable.Code) {
			t.Errorf("%s: got %v, want an error with %q and without what requests are told", url, err, want)
		}
	}
}

func TestAMigratorThatGivesUpLetsTheNextOneIn(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		url := engine.URL(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := database.Migrate(ctx, databasetest.Open(t, url)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if err := database.Migrate(t.Context(), databasetest.Open(t, url)); err != nil {
			t.Error(err)
		}
	})
}

func TestAnOldSchemaIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Empty(t)
		if err := database.Prepare(t.Context(), db, database.MigrateCheck); !errors.Is(err, database.ErrOldSchema) {
			t.Errorf("got %v, want ErrOldSchema", err)
		}
		if tables := tablesOf(t, db); len(tables) != 0 {
			t.Errorf("got the tables %v after a check, want none", tables)
		}
		if err := database.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if err := database.Prepare(t.Context(), db, database.MigrateCheck); err != nil {
			t.Error(err)
		}

		execute(t, db, "DELETE FROM devicegate_schema WHERE version_id = (SELECT max(version_id) FROM devicegate_schema)")
		if err := database.CheckSchema(t.Context(), db); !errors.Is(err, database.ErrOldSchema) {
			t.Errorf("got %v, want ErrOldSchema", err)
		}
	})
}

// The job queue's tables are not in our own list of migrations.
func TestASchemaWithoutTheJobQueueIsOld(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		for name, lose := range map[string][]string{
			"without its last migration": {"DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)"},
			"without its tables":         {"DROP TABLE river_job", "DROP TABLE river_migration"},
		} {
			t.Run(name, func(t *testing.T) {
				db := engine.Migrated(t)
				for _, statement := range lose {
					execute(t, db, statement)
				}
				if err := database.Prepare(t.Context(), db, database.MigrateCheck); !errors.Is(err, database.ErrOldSchema) {
					t.Errorf("got %v, want ErrOldSchema", err)
				}
			})
		}
	})
}

// A release that is rolled back finds the schema of its successor.
func TestANewerSchemaIsLeftAsItIs(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		execute(t, db, "INSERT INTO devicegate_schema (version_id, is_applied) VALUES (9999, true)")
		execute(t, db, "INSERT INTO river_migration (line, version) VALUES ('main', 9999)")
		if err := database.CheckSchema(t.Context(), db); err != nil {
			t.Error(err)
		}
		if err := database.Migrate(t.Context(), db); err != nil {
			t.Error(err)
		}
	})
}

func TestADatabaseThatHasTheTokenTableKeepsItsTokens(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		url := engine.URL(t)
		if err := database.Migrate(t.Context(), databasetest.Open(t, url)); err != nil {
			t.Fatal(err)
		}
		db := databasetest.Open(t, url)
		issued := "01890000-0000-7000-8000-000000000001"
		foreignToken(t, db, issued, "ann@example.com", "'dify:account'")
		for _, ours := range tables(t, db) {
			if ours != "oauth_access_tokens" && !strings.HasPrefix(ours, "river_") {
				execute(t, db, map[bool]string{true: "DROP TABLE " + ours + " CASCADE", false: "DROP TABLE " + ours}[db.Dialect().Name() == dialect.PG])
			}
		}
		if err := database.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, "SELECT count(*) FROM oauth_access_tokens"); n != 1 {
			t.Errorf("%d tokens, want 1", n)
		}
	})
}

// The table is a contract with other services; see the migration.
func TestTheTokenTableIsTheContracts(t *testing.T) {
	wantColumns := []string{
		"id uuid", "subject_email varchar(255)", "subject_issuer varchar(255)", "account_id uuid", "client_id varchar(64)",
		"device_label varchar(255)", "prefix varchar(8)", "token_hash varchar(64)", "created_at timestamptz",
		"last_used_at timestamptz", "expires_at timestamptz", "revoked_at timestamptz",
	}
	wantIndexes := map[string]string{
		"idx_oauth_subject_email":    "(subject_email) where revoked_at is null",
		"idx_oauth_account":          "(account_id) where revoked_at is null and account_id is not null",
		"idx_oauth_client":           "(subject_email, client_id) where revoked_at is null",
		"idx_oauth_token_hash":       "(token_hash) where revoked_at is null",
		"uq_oauth_active_per_device": "(subject_email, subject_issuer, client_id, device_label) where revoked_at is null",
	}
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		columns := `SELECT column_name || ' ' || CASE udt_name WHEN 'varchar' THEN 'varchar(' || character_maximum_length || ')' ELSE udt_name END
			FROM information_schema.columns WHERE table_name = 'oauth_access_tokens' ORDER BY ordinal_position`
		indexes := `SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE tablename = 'oauth_access_tokens'`
		if engine.Name == "SQLite" {
			columns = `SELECT name || ' ' || type FROM pragma_table_info('oauth_access_tokens')`
			indexes = `SELECT name, coalesce(sql, '') AS sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'oauth_access_tokens'`
		}
		var got []string
		if err := db.NewRaw(columns).Scan(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
		for i, want := range wantColumns {
			if engine.Name == "SQLite" {
				want = strings.Replace(want, "uuid", "text", 1)
			}
			if i >= len(got) || !strings.EqualFold(got[i], want) {
				t.Errorf("columns are %v, want %v", got, wantColumns)
				break
			}
		}
		var defined []struct{ Name, SQL string }
		if err := db.NewRaw(indexes).Scan(t.Context(), &defined); err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, index := range defined {
			found[index.Name] = index.SQL
		}
		bare := strings.NewReplacer("(", " ", ")", " ") // PostgreSQL adds some of its own
		for name, want := range wantIndexes {
			words := func(text string) string {
				return strings.Join(strings.Fields(bare.Replace(strings.ToLower(text))), " ")
			}
			sql := words(found[name])
			if !strings.HasSuffix(sql, " "+words(want)) {
				t.Errorf("%s is %q, want …%q", name, found[name], want)
			}
			if unique := strings.Contains(sql, "create unique index"); unique != strings.HasPrefix(name, "uq_") {
				t.Errorf("%s: got unique %v, want %v by its name", name, unique, !unique)
			}
		}
	})
}

// F13: a login goes on while an index of its table is built, and the build
// waits for no lock that migrating itself holds. The rows are written as the
// program of that schema wrote them.
func TestAnIndexIsBuiltBesideWriters(t *testing.T) {
	db := postgres(t).Empty(t)
	if err := database.MigrateTo(t.Context(), db, 3); err != nil {
		t.Fatal(err)
	}
	add := func(ctx context.Context, to bun.IDB, code string) error {
		_, err := to.ExecContext(ctx, `INSERT INTO device_authorizations (id, device_code_hash, user_code, client_id, requested_at, expires_at, status)
			VALUES (gen_random_uuid(), ?0, ?0, 'difyctl', now(), now(), 'pending')`, code)
		return err
	}
	migrated := make(chan error, 1)
	err := db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		if err := add(ctx, tx, "one"); err != nil {
			return err
		}
		go func() { migrated <- database.Migrate(t.Context(), db) }()
		await(t, db, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX%' AND datname = current_database()")
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return add(ctx, db, "two")
	})
	if err != nil {
		t.Fatalf("a login beside the build: got %v, want no error", err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE relname = 'idx_device_authorizations_approved' AND indisvalid"); n != 1 {
		t.Errorf("got %d valid indexes, want 1", n)
	}
}

// A build that was broken off leaves an invalid index.
func TestAnIndexBuildThatWasBrokenOffIsDoneAgain(t *testing.T) {
	db := postgres(t).Empty(t)
	if err := database.MigrateTo(t.Context(), db, 1); err != nil {
		t.Fatal(err)
	}
	execute(t, db, "CREATE INDEX idx_device_authorizations_token ON device_authorizations (client_id)")
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, "SELECT count(*) FROM pg_indexes WHERE indexname = 'idx_device_authorizations_token' AND indexdef LIKE '%(token_id)%'"); n != 1 {
		t.Error("got the index of the first attempt, want it built anew")
	}
}

// A migrating process may die, or lose its connection, in the middle of a file.
func TestAMigrationThatWasInterruptedIsDoneAgain(t *testing.T) {
	db := postgres(t).Empty(t)
	if err := database.MigrateTo(t.Context(), db, 12); err != nil {
		t.Fatal(err)
	}
	// The next one changes several tables. The last one of them is locked.
	held, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Rollback() }()
	if _, err := held.ExecContext(t.Context(), "SELECT count(*) FROM approval_grants"); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- database.Migrate(t.Context(), db) }()
	const waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%approval_grants%' AND datname = current_database()"
	await(t, db, "SELECT count(*) "+waiting)
	execute(t, db, "SELECT pg_terminate_backend(pid) "+waiting)
	if err := <-migrated; err == nil {
		t.Fatal("got nil for a migration that was interrupted, want an error")
	}
	if n := count(t, db, "SELECT count(*) FROM information_schema.columns WHERE column_name = 'login_hint'"); n != 0 {
		t.Errorf("got %d columns of a migration that was interrupted, want none", n)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if err := database.CheckSchema(t.Context(), db); err != nil {
		t.Error(err)
	}
}

// Until version 21 first connections were a source for each client.
func TestFirstConnectionsOfEachClientBecomeOneSource(t *testing.T) {
	for name, db := range map[string]*bun.DB{"PostgreSQL": postgres(t).Empty(t), "SQLite": databasetest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "devicegate.db"))} {
		t.Run(name, func(t *testing.T) {
			if err := database.MigrateTo(t.Context(), db, 21); err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
			stored := func(at time.Time) string { return at.Format("2006-01-02 15:04:05.000000-07:00") }
			for n, client := range []string{"difyctl", "other"} {
				execute(t, db, "INSERT INTO phishing_incidents (id, source, source_kind, client_id, noticed_at, reported, held_until) VALUES (?, ?, 'first_time', ?, ?, false, ?)",
					uid.New(at).String(), "first_time "+client, client, stored(at.Add(time.Duration(n)*time.Hour)), stored(at.AddDate(0, 0, 1)))
			}
			execute(t, db, "INSERT INTO phishing_observations (id, what, at, first_time) VALUES (?, 'approved', ?, 'first_time difyctl')", uid.New(at).String(), stored(at))
			if err := database.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			source := incident.Source{Kind: incident.FirstTime}
			err := database.NewStore(db).View(t.Context(), func(ctx context.Context, r ports.Reader) error {
				found, total, err := r.Incidents().All(ctx, 0, 10)
				if err != nil {
					return err
				}
				if total != 1 || found[0].Snapshot().Source != source || !found[0].Snapshot().NoticedAt.Equal(at.Add(time.Hour)) {
					t.Errorf("got %d incidents, the first %+v, want the youngest alone, of %+v", total, found[0].Snapshot(), source)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if n := count(t, db, "SELECT count(*) FROM phishing_observations WHERE first_time = ?", source.Key()); n != 1 {
				t.Errorf("got %d observations of %s, want 1", n, source.Key())
			}
		})
	}
}

// Until version 22 observations had no addresses. Their people are near or far as they
// were, and beside no device. An older version knows no incident of an address.
func TestObservationsFromBeforeAddressesAreKept(t *testing.T) {
	for name, db := range map[string]*bun.DB{"PostgreSQL": postgres(t).Empty(t), "SQLite": databasetest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "devicegate.db"))} {
		t.Run(name, func(t *testing.T) {
			if err := database.MigrateTo(t.Context(), db, 22); err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
			stored := func(at time.Time) string { return at.Format("2006-01-02 15:04:05.000000-07:00") }
			authorization := uid.New(at)
			execute(t, db, "INSERT INTO phishing_observations (id, what, at, authorization_id, network, person_email, person_issuer, whereabouts) VALUES (?, 'approved', ?, ?, '192.0.2.0/24', 'ann@acme.example', 'https://idp.example', 'near')",
				uid.New(at).String(), stored(at), authorization.String())
			if err := database.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			err := database.NewStore(db).View(t.Context(), func(ctx context.Context, r ports.Reader) error {
				seen, err := r.Incidents().SeenOf(ctx, authorization)
				if len(seen) != 1 || seen[0].Where != incident.Near || seen[0].IsBeside() || seen[0].DeviceAddress.IsValid() || seen[0].BrowserAddress.IsValid() {
					t.Errorf("got %+v, want the approval, near, without addresses", seen)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			execute(t, db, "INSERT INTO phishing_incidents (id, source, source_kind, network, noticed_at, reported, held_until) VALUES (?, 'address 192.0.2.7', 'address', '192.0.2.7/32', ?, false, ?)",
				uid.New(at).String(), stored(at), stored(at))
			execute(t, db, "INSERT INTO phishing_incidents (id, source, source_kind, network, client_id, noticed_at, reported, held_until) VALUES (?, 'x', 'devices_at_address', '192.0.2.7/32', 'difyctl', ?, false, ?)",
				uid.New(at).String(), stored(at), stored(at))
			if err := database.MigrateDownTo(t.Context(), db, 22); err != nil {
				t.Fatal(err)
			}
			if n := count(t, db, "SELECT count(*) FROM phishing_incidents"); n != 0 {
				t.Errorf("got %d incidents that an older release cannot read, want none", n)
			}
			if n := count(t, db, "SELECT count(*) FROM phishing_observations"); n != 1 {
				t.Errorf("got %d observations, want 1", n)
			}
		})
	}
}

// await waits until a query counts something.
func await(t *testing.T, db *bun.DB, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for count(t, db, query) == 0 {
		select {
		case <-ctx.Done():
			t.Fatalf("got no row in time from %s, want one", query)
		case <-again.C:
		}
	}
}

func tablesOf(t *testing.T, db *bun.DB) []string {
	t.Helper()
	query := "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	if db.Dialect().Name().String() != "pg" {
		query = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	var names []string
	if err := db.NewRaw(query).Scan(t.Context(), &names); err != nil {
		t.Fatal(err)
	}
	return names
}

func execute(t *testing.T, db *bun.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *bun.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.NewRaw(query, args...).Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tables are the names of all tables.
func tables(t *testing.T, db *bun.DB) (names []string) {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if db.Dialect().Name() == dialect.PG {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	}
	if err := db.NewRaw(query).Scan(t.Context(), &names); err != nil {
		t.Fatal(err)
	}
	return names
}
