package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/ports"
)

// F59: a driver closes the connection of a call that is cancelled half-way. That
// call gets its own cancellation, never the driver's word for it, and the next one
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
