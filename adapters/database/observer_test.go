package database_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

func TestTheObserverLearnsOfWhatWasCommitted(t *testing.T) {
	for _, engine := range databasetest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			var got []database.Written
			s := databasetest.Store(t, engine.Migrated(t)).WithObserver(func(w database.Written) { got = append(got, w) })
			event := audit.New(audit.LoginFailed, audit.Anonymous, time.Now(), request.Origin{})
			event.Connection, event.Reason = "acme", "unknown_key"
			keep := func(err error) error {
				return s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
					return errors.Join(tx.Audit().Record(ctx, event), tx.Audit().Record(ctx, event), err)
				})
			}
			refusal := errors.New("refused")
			if err := keep(refusal); !errors.Is(err, refusal) || len(got) != 0 {
				t.Errorf("got %v and %v, want the refusal and nothing observed", err, got)
			}
			want := database.Written{Kind: audit.LoginFailed, Connection: "acme", Reason: "unknown_key"}
			if err := keep(nil); err != nil || !slices.Equal(got, []database.Written{want}) {
				t.Errorf("got %v and %v, want %v once", err, got, want)
			}
		})
	}
}
