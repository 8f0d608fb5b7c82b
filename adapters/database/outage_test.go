package database_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

var difyctl = client.Must(client.Settings{ID: "difyctl"})

func start() (*device.Authorization, audit.Event) {
	a, _, e := device.Start(difyctl, device.ParseLabel("laptop", difyctl), scope.Set{}, device.StandardTiming, ports.SystemClock(), request.Origin{})
	return a, e
}

func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("%s: got %v, want fault.ErrUnavailable", what, err)
	}
}

// down makes sure that nothing of a store answers.
func down(t *testing.T, db *bun.DB) {
	t.Helper()
	s := database.NewStore(db)
	unavailable(t, "Ready", s.Ready(t.Context()))
	unavailable(t, "View", s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		_, err := r.Authorizations().ByID(ctx, uid.New(time.Now()))
		return err
	}))
	unavailable(t, "Update", s.Update(t.Context(), func(context.Context, ports.Tx) error { return nil }))
	unavailable(t, "Prepare", database.Prepare(t.Context(), db, database.MigrateAuto))
}

func TestAServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	down(t, databasetest.Open(t, "postgres://u:p@"+address+"/db?sslmode=disable"))
}

func TestAPoolThatIsClosed(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		down(t, db)
	})
}

func TestADeadlineThatPasses(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		s := database.NewStore(engine.Migrated(t))
		a, started := start()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := s.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			if err := tx.Authorizations().Add(ctx, a, started); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
		unavailable(t, "Update", err)
	})
}

// A connection keeps the deadline of the last statement on its socket: it must end
// neither a later statement nor the connection.
func TestADeadlineThatHasPassedEndsNothingLater(t *testing.T) {
	db := postgres(t).Migrated(t)
	db.SetMaxOpenConns(1)
	server := func() (pid int) {
		if err := db.NewRaw("SELECT pg_backend_pid()").Scan(t.Context(), &pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	read := func(ctx context.Context, r ports.Reader) error {
		_, err := r.Authorizations().ByID(ctx, uid.New(ports.SystemClock()))
		return err
	}
	before := server()
	for later, use := range map[string]func(context.Context, ports.Reader) error{
		"a prepared statement": read,
		"a statement of bun": func(ctx context.Context, r ports.Reader) error {
			_, err := r.Audit().Events(ctx, ports.AuditFilter{})
			return err
		},
	} {
		var ends context.Context
		err := database.NewStore(db).Within(time.Second).View(context.Background(), func(ctx context.Context, r ports.Reader) error {
			ends = ctx
			return read(ctx, r)
		})
		if !errors.Is(err, device.ErrUnknown) {
			t.Fatalf("got %v, want device.ErrUnknown", err)
		}
		<-ends.Done()
		if err := database.NewStore(db).View(context.Background(), use); err != nil && !errors.Is(err, device.ErrUnknown) {
			t.Errorf("%s: got %v, want an answer", later, err)
		}
	}
	if after := server(); after != before {
		t.Errorf("got another connection (%d), want the same (%d)", after, before)
	}
}

func TestADatabaseThatHangsIsWaitedForOnlySoLong(t *testing.T) {
	t.Run("a row that another transaction holds", func(t *testing.T) {
		db := postgres(t).Migrated(t)
		s := database.NewStore(db)
		a, started := start()
		if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, started) }); err != nil {
			t.Fatal(err)
		}
		holds, enough := make(chan struct{}), make(chan struct{})
		var holder sync.WaitGroup
		holder.Go(func() {
			_ = s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				_, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
				close(holds)
				<-enough
				return err
			})
		})
		defer holder.Wait()
		defer close(enough)
		<-holds
		waits := database.NewStore(db).Within(100 * time.Millisecond)
		unavailable(t, "Update", waits.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			_, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
			return err
		}))
	})
	t.Run("a server that takes connections and says nothing", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		s := database.NewStore(databasetest.Open(t, "postgres://devicegate@"+listener.Addr().String()+"/x")).Within(100 * time.Millisecond)
		unavailable(t, "Ready", s.Ready(t.Context()))
		unavailable(t, "View", s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorizations().ByID(ctx, uid.New(ports.SystemClock()))
			return err
		}))
	})
}

// postgres runs a test on PostgreSQL alone.
func postgres(t *testing.T) databasetest.Engine {
	for _, engine := range databasetest.Engines() {
		if engine.Name == "PostgreSQL" {
			return engine
		}
	}
	t.Fatal("got no engine named PostgreSQL, want one")
	return databasetest.Engine{}
}

func TestAConnectionThatIsCut(t *testing.T) {
	url := postgres(t).URL(t)
	db, other := databasetest.Open(t, url), databasetest.Open(t, url)
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(1) // another idle connection would be cut, too, and found out by the next Add
	s := database.NewStore(db)
	a, started := start()
	cut := func() {
		execute(t, other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	}
	for name, after := range map[string]func(context.Context, ports.Tx) error{
		"while reading": func(ctx context.Context, tx ports.Tx) error {
			_, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
			return err
		},
		"while committing": func(context.Context, ports.Tx) error { return nil },
	} {
		unavailable(t, name, s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			if err := tx.Authorizations().Add(ctx, a, started); err != nil {
				t.Fatal(err)
			}
			cut()
			return after(ctx, tx)
		}))
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready() = %v, want no error: the pool connects again", err)
	}
	if n := count(t, db, "SELECT count(*) FROM device_authorizations"); n != 0 {
		t.Errorf("%d authorizations, want none", n)
	}
}

// TestReadsPassOverConnectionsThatHaveEnded: after a restart of the server each
// connection of the pool has ended, and none knows.
func TestReadsPassOverConnectionsThatHaveEnded(t *testing.T) {
	url := postgres(t).URL(t)
	db, other := databasetest.Open(t, url), databasetest.Open(t, url)
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s := database.NewStore(db)
	a, started := start()
	if err := s.AddAuthorization(t.Context(), a, started); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(context.Context, ports.Reader) error{
		"by a prepared statement": func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorizations().ByID(ctx, a.Snapshot().ID)
			return err
		},
		"by bun": func(ctx context.Context, r ports.Reader) error {
			_, err := r.Clients().All(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			// The driver asks a connection that was idle for a second whether it
			// lives; this is about those that were not.
			for range 20 {
				used := time.Now()
				if err := s.View(t.Context(), read); err != nil {
					t.Fatalf("before the end: got %v, want nil", err)
				}
				execute(t, other, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
				err := s.View(t.Context(), read)
				if err != nil {
					t.Fatalf("got %v, want nil", err)
				}
				if time.Since(used) < time.Second {
					return
				}
			}
			t.Fatal("got 20 connections that were idle for a second, want one that was not")
		})
	}
}

func TestADeadlockEndsOneOfTheTwo(t *testing.T) {
	s := database.NewStore(postgres(t).Migrated(t))
	a, started := start()
	b, alsoStarted := start()
	err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return errors.Join(tx.Authorizations().Add(ctx, a, started), tx.Authorizations().Add(ctx, b, alsoStarted))
	})
	if err != nil {
		t.Fatal(err)
	}
	var met sync.WaitGroup
	met.Add(2)
	cross := func(first, second *device.Authorization) error {
		return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			_, err := tx.Authorizations().ByID(ctx, first.Snapshot().ID)
			met.Done()
			if err != nil {
				return err
			}
			met.Wait()
			_, err = tx.Authorizations().ByID(ctx, second.Snapshot().ID)
			return err
		})
	}
	other := make(chan error)
	go func() { other <- cross(b, a) }()
	errs := []error{cross(a, b), <-other}
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("got %v, want one of them to fail", errs)
	}
	unavailable(t, "the loser", errors.Join(errs...))
}

func TestAServerThatIsFull(t *testing.T) {
	url := postgres(t).URL(t)
	db := databasetest.Open(t, url)
	name := new(string)
	if err := db.NewRaw("SELECT current_database()").Scan(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	// A superuser is let in beyond a database's limit; so use another role.
	role := fmt.Sprint("r_", *name)
	execute(t, db, "CREATE ROLE "+role+" LOGIN PASSWORD 'p'")
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP ROLE "+role) })
	execute(t, db, "ALTER DATABASE "+*name+" CONNECTION LIMIT 0")
	_, address, _ := strings.Cut(url, "@")
	down(t, databasetest.Open(t, "postgres://"+role+":p@"+address))
}

func TestAStatementThatTakesTooLong(t *testing.T) {
	url := postgres(t).URL(t)
	db := databasetest.Open(t, url+"&statement_timeout=50")
	if err := database.Migrate(t.Context(), databasetest.Open(t, url)); err != nil {
		t.Fatal(err)
	}
	a, started := start()
	err := database.NewStore(databasetest.Open(t, url)).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		if err := tx.Authorizations().Add(ctx, a, started); err != nil {
			return err
		}
		unavailable(t, "Update", database.NewStore(db).Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			return tx.Authorizations().Add(ctx, a, started)
		}))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	// What was a directory when the file was opened is none any more.
	db := databasetest.Open(t, "sqlite://"+filepath.ToSlash(dir)+"/gone/x.db")
	replaceByFile(t, filepath.Join(dir, "gone"))
	down(t, db)
}

func TestAFileThatAnotherProcessHolds(t *testing.T) {
	url := "sqlite://" + filepath.ToSlash(t.TempDir()) + "/x.db"
	db, other := databasetest.Open(t, url), databasetest.Open(t, url)
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s := database.NewStore(db)
	unavailable(t, "Update", s.Update(ctx, func(context.Context, ports.Tx) error { return nil }))
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready() = %v, want no error: reading needs no lock", err)
	}
}

// A pooler such as PgBouncer before 1.21 in transaction mode hands a connection
// on without the statements that were prepared on it.
func TestAPoolerThatLosesPreparedStatements(t *testing.T) {
	url := postgres(t).URL(t)
	pool := func() *bun.DB {
		db := databasetest.Open(t, url)
		db.SetMaxOpenConns(1)
		return db
	}
	must(t, database.Migrate(t.Context(), databasetest.Open(t, url)))
	a, started := start()
	must(t, database.NewStore(pool()).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return tx.Authorizations().Add(ctx, a, started)
	}))
	look := func(ctx context.Context, r ports.AuthorizationReader) error {
		_, err := r.ByID(ctx, a.Snapshot().ID)
		return err
	}
	viewing := func(s *database.Store) error {
		return s.View(t.Context(), func(ctx context.Context, r ports.Reader) error { return look(ctx, r.Authorizations()) })
	}
	updating := func(s *database.Store) error {
		return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return look(ctx, tx.Authorizations()) })
	}

	db := pool()
	s := database.NewStore(db)
	must(t, viewing(s))
	execute(t, db, "DEALLOCATE ALL")
	must(t, viewing(s)) // asks again
	must(t, updating(s))

	db = pool()
	s = database.NewStore(db)
	must(t, updating(s))
	execute(t, db, "DEALLOCATE ALL")
	unavailable(t, "a transaction in which it happens", updating(s))
	must(t, updating(s)) // no longer prepared
}

// F57: a full disk stops writing alone, and until there is room again.
func TestADiskThatIsFull(t *testing.T) {
	db := databasetest.Open(t, "sqlite::memory:") // one connection, so that the limit is that of all
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s := database.NewStore(db)
	var kept *device.Authorization
	add := func() error {
		a, started := start()
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, started) })
		if err == nil {
			kept = a
		}
		return err
	}
	must(t, add())
	execute(t, db, fmt.Sprint("PRAGMA max_page_count = ", count(t, db, "PRAGMA page_count")+1))
	var err error
	for tries := 0; err == nil && tries < 1000; tries++ {
		err = add()
	}
	unavailable(t, "a write on a full disk", err)
	unavailable(t, "another one", add())
	must(t, s.Ready(t.Context()))
	must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		_, err := r.Authorizations().ByID(ctx, kept.Snapshot().ID)
		return err
	}))
	execute(t, db, "PRAGMA max_page_count = 1000000")
	must(t, add())
}

func replaceByFile(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
