package database_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/ports"
)

// F59: a driver closes the connection of a call that is cancelled half-way. That
// call gets its own cancellation, never an error of the driver, and the next one
// another connection.
func TestACancelledCallSpoilsNoOther(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		db := engine.Migrated(t)
		db.SetMaxOpenConns(1) // each call gets what the one before has left
		s := database.NewStore(db)
		a, started := start()
		if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Authorizations().Add(ctx, a, started) }); err != nil {
			t.Fatal(err)
		}
		read := func(ctx context.Context, r ports.Reader) error {
			_, err := r.Authorizations().ByID(ctx, a.Snapshot().ID)
			return err
		}
		for i := range 60 {
			ctx, cancel := context.WithCancel(t.Context())
			stop := time.AfterFunc(time.Duration(i)*25*time.Microsecond, cancel)
			err := s.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
				b, started := start()
				if err := tx.Authorizations().Add(ctx, b, started); err != nil {
					return err
				}
				_, err := tx.Authorizations().ByID(ctx, b.Snapshot().ID)
				return err
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("cancelled after %d steps: got %v, want its cancellation or nothing", i, err)
			}
			stop.Stop()
			cancel()
			if err := s.View(t.Context(), read); err != nil {
				t.Fatalf("the call after it: got %v, want none", err)
			}
			if err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
				_, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
				return err
			}); err != nil {
				t.Fatalf("the change after it: got %v, want none", err)
			}
		}
	})
}

// F59: database/sql hands a connection that is given back to a call that waits,
// and gives up with driver.ErrBadConn when that call got three closed ones.
func TestCancelledCallsSpoilNoneThatWaits(t *testing.T) {
	url := postgres(t).URL(t)
	db, other := databasetest.Open(t, url), databasetest.Open(t, url)
	must(t, database.Migrate(t.Context(), other))
	db.SetMaxOpenConns(1)
	a, started := start()
	must(t, database.NewStore(other).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return tx.Authorizations().Add(ctx, a, started)
	}))
	lock := func(ctx context.Context, tx ports.Tx) error {
		_, err := tx.Authorizations().ByID(ctx, a.Snapshot().ID)
		return err
	}

	const calls = 20
	running, ended := make(chan context.CancelFunc), make(chan error)
	locked, unlock := make(chan struct{}), make(chan struct{})
	holder := make(chan error)
	go func() {
		holder <- database.NewStore(other).Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			err := lock(ctx, tx)
			close(locked)
			<-unlock
			return err
		})
	}()
	<-locked
	s := database.NewStore(db)
	for range calls {
		go func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended <- s.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
				running <- cancel
				return lock(ctx, tx)
			})
		}()
	}
	waitUntil(func() bool { return db.Stats().WaitCount >= calls-1 })
	for n := range calls {
		var leave context.CancelFunc
		select {
		case leave = <-running:
		case err := <-ended:
			t.Fatalf("call that waits, after %d were cancelled: got %v, want its turn", n, err)
		}
		waitUntil(func() bool {
			return count(t, other, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
		})
		if n == calls-1 {
			break
		}
		leave()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("call that was cancelled: got %v, want context.Canceled", err)
		}
	}
	close(unlock)
	if err := errors.Join(<-ended, <-holder); err != nil {
		t.Errorf("calls that were not cancelled: got %v, want no error", err)
	}
}

func waitUntil(condition func() bool) {
	for !condition() {
		runtime.Gosched()
	}
}
