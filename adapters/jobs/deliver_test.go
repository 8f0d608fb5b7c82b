package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
)

// failingSink fails until the test changes that.
type failingSink struct {
	mu    sync.Mutex
	up    bool
	taken map[string]int
}

func (*failingSink) Name() audit.Sink { return audit.Webhook }

func (s *failingSink) Deliver(_ context.Context, e audit.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		return errors.New("answered 500")
	}
	s.taken[e.ID.String()]++
	return nil
}

func (s *failingSink) recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = true
}

// What a receiver did not take while it was down is delivered by a worker when it
// is up again; a job that fails is not what shows it.
func TestAWorkerDeliversWhatWaited(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		s := databasetest.Store(t, db)
		now := time.Now().UTC().Truncate(time.Microsecond)
		old := audit.New(audit.LoginFailed, audit.Anonymous, now.Add(-time.Hour), request.Origin{})
		err := s.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			p, err := tx.AuditDeliveries().Lock(ctx, audit.Webhook)
			if err != nil {
				return err
			}
			p.Rewind(audit.Position{At: now.Add(-2 * time.Hour)})
			return errors.Join(tx.AuditDeliveries().Save(ctx, p), tx.Audit().Record(ctx, old))
		})
		if err != nil {
			t.Fatal(err)
		}
		sink := &failingSink{taken: map[string]int{}}
		deliver := application.NewDeliverAudit(s, ports.AuditSinks{sink}, ports.SystemClock)
		all := tasks(s)
		all.DeliverAudit = deliver
		log := new(logtest.Log)
		stop := workOn(t, databasetest.JobsIn(db), all, slog.New(slog.NewJSONHandler(log, nil)))
		await(t, db, 1, "SELECT count(*) FROM audit_progress WHERE failures = 1 AND last_error = 'answered 500'")
		await(t, db, 1, "SELECT count(*) FROM river_job WHERE kind = 'deliver_audit' AND state = 'completed'")
		stop()
		if !strings.Contains(log.String(), "audit events cannot be delivered") {
			t.Errorf("got the log %s, want that it says so", log)
		}

		sink.recover()
		if _, err := db.ExecContext(t.Context(), "UPDATE audit_progress SET next_at = NULL"); err != nil {
			t.Fatal(err)
		}
		var twice sync.WaitGroup // two workers at once
		for range 2 {
			twice.Go(func() {
				if _, err := deliver.Execute(t.Context(), audit.Webhook); err != nil {
					t.Error(err)
				}
			})
		}
		twice.Wait()
		if sink.taken[old.ID.String()] != 1 {
			t.Errorf("got the event %d times, want once", sink.taken[old.ID.String()])
		}
	})
}
