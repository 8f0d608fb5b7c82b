package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/ports"
)

// Only a call with bulk time may take longer than others, and it has an end, too.
func TestACallWithBulkTimeMayTakeLonger(t *testing.T) {
	s := database.NewStore(databasetest.Memory(t))
	for name, c := range map[string]struct {
		ctx  context.Context
		long bool
	}{
		"usual":          {t.Context(), false},
		"without an end": {context.WithoutCancel(t.Context()), false},
		"bulk":           {ports.WithBulkTime(t.Context()), true},
		"bulk, no end":   {ports.WithBulkTime(context.WithoutCancel(t.Context())), true},
	} {
		began := time.Now()
		check := func(ctx context.Context) {
			end, bounded := ctx.Deadline()
			if long := end.Sub(began) >= ports.BulkTime; !bounded || long != c.long {
				t.Errorf("%s: got the end %s from now (%t), want a long time: %t", name, end.Sub(began), bounded, c.long)
			}
		}
		if err := s.View(c.ctx, func(ctx context.Context, _ ports.Reader) error { check(ctx); return nil }); err != nil {
			t.Error(err)
		}
		if err := s.Update(c.ctx, func(ctx context.Context, _ ports.Tx) error { check(ctx); return nil }); err != nil {
			t.Error(err)
		}
	}
}
