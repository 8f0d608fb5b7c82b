package database_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// process is a store and the changes that it receives, until the test ends.
func process(t *testing.T, url string, log *slog.Logger) (*bun.DB, *database.Store, *database.Changes) {
	t.Helper()
	changes, err := database.OpenChanges(database.Config{URL: url}, log)
	must(t, err)
	changes.LookEvery(20 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		changes.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	db := databasetest.Open(t, url)
	return db, databasetest.Store(t, db).WithChanges(changes), changes
}

func TestChanges(t *testing.T) {
	suite := func(t *testing.T, url string) {
		must(t, database.Migrate(t.Context(), databasetest.Open(t, url)))
		porttest.Changes(t, func(t *testing.T) porttest.ChangesUnderTest {
			c := porttest.ChangesUnderTest{Write: database.Announce}
			for i := range c.Stores {
				_, c.Stores[i], c.Changes[i] = process(t, url, slog.New(slog.DiscardHandler))
			}
			return c
		})
	}
	engines(t, func(t *testing.T, engine databasetest.Engine) { suite(t, engine.URL(t)) })
	t.Run("behind a pooler", func(t *testing.T) { suite(t, behindPooler(t, postgres(t).URL(t))) })
}

func TestChangesDuringAnOutageAreAnnouncedAfterIt(t *testing.T) {
	url := postgres(t).URL(t)
	must(t, database.Migrate(t.Context(), databasetest.Open(t, url)))
	var logs bytes.Buffer
	db, _, changes := process(t, url, slog.New(slog.NewTextHandler(&logs, nil)))
	changed := changes.Watch(t.Context(), ports.TopicClients)
	told := func() {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(20 * time.Second):
			t.Fatal("got no word of the change in 20s, want one")
		}
	}
	told() // at the beginning
	told() // when it listens
	// Nothing else announces this change: it is another process's, and the
	// connection that would receive it ends with the same statement.
	execute(t, db, "INSERT INTO configuration_changes VALUES ('clients', 1)")
	if n := count(t, db, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"); n != 1 {
		t.Fatalf("got %d connections that listen, want 1", n)
	}
	told()
	must(t, database.NewStore(db).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return database.Announce(ctx, tx, ports.TopicClients)
	}))
	told()
	if n := strings.Count(logs.String(), "level=WARN"); n != 1 || !strings.Contains(logs.String(), "seen again") {
		t.Errorf("got the log %s, want one warning and that it is over", logs.String())
	}
}

func TestNothingListensBeforeItIsWanted(t *testing.T) {
	url := postgres(t).URL(t)
	db, _, changes := process(t, url, slog.New(slog.DiscardHandler))
	connections := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	if n := count(t, db, connections); n != 0 {
		t.Errorf("got %d connections, want none", n)
	}
	changed := changes.Watch(t.Context(), ports.TopicKeys)
	for range 2 {
		<-changed
	}
	if n := count(t, db, connections); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}

func TestChangesOfADatabaseInMemoryAreThoseOfItsProcess(t *testing.T) {
	db := databasetest.Memory(t)
	changes, err := database.OpenChanges(database.Config{URL: "sqlite::memory:"}, slog.New(slog.DiscardHandler))
	must(t, err)
	changed := changes.Watch(t.Context(), ports.TopicKeys)
	<-changed
	must(t, database.NewStore(db).WithChanges(changes).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return database.Announce(ctx, tx, ports.TopicKeys)
	}))
	<-changed // announced before Update returns
}
