package database_test

import (
	"context"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/ports"
)

// SQLite hands a row over as one text. A column may contain its separator.
func TestEveryTextComesBackAsItWasKept(t *testing.T) {
	engines(t, func(t *testing.T, engine databasetest.Engine) {
		s := database.NewStore(engine.Migrated(t))
		for _, label := range []string{"", "laptop", "\x1f", "a\x1fb\x1f", "\x1e\x1d", "it's \"it\""} {
			a, started := start()
			snapshot := a.Snapshot()
			snapshot.Label, snapshot.ClientID = label, "client\x1f"
			a, err := device.Restore(snapshot)
			must(t, err)
			must(t, s.AddAuthorization(t.Context(), a, started))
			must(t, s.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
				found, err := r.Authorizations().ByID(ctx, snapshot.ID)
				if err == nil && (found.Snapshot().Label != label || found.Snapshot().ClientID != "client\x1f") {
					t.Errorf("got %q and %q, want %q", found.Snapshot().Label, found.Snapshot().ClientID, label)
				}
				return err
			}))
		}
	})
}
