package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// SweepAudit removes the events of sealed days that retention lets go. The seals
// stay, so that the days after them can still be proven.
type SweepAudit struct {
	store     ports.Store
	retention audit.Retention
	sinks     ports.AuditSinks
	now       ports.Clock
}

// NewSweepAudit makes the use case.
func NewSweepAudit(store ports.Store, retention audit.Retention, sinks ports.AuditSinks, now ports.Clock) *SweepAudit {
	return &SweepAudit{store, retention, sinks, now}
}

// Execute returns how many events it removed. It may be interrupted at any time;
// the next run goes on. A day waits until each configured sink has got past it.
func (uc *SweepAudit) Execute(ctx context.Context) (total int, err error) {
	last, any := uc.retention.LastRemovable(uc.now())
	if !any {
		return 0, nil
	}
	var after audit.Day
	for {
		var seals []audit.Seal
		var linked audit.Day
		err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			if seals, err = r.AuditSeals().Seals(ctx, after); err != nil {
				return err
			}
			if linked, err = r.AuditSeals().FirstLinkedDay(ctx); err != nil {
				return err
			}
			progress, err := r.AuditDeliveries().All(ctx)
			for _, p := range progress {
				if uc.uses(p.Sink) && audit.DayOf(p.After.At) <= last {
					last = audit.DayOf(p.After.At.AddDate(0, 0, -1))
				}
			}
			return err
		})
		if err != nil {
			return total, fmt.Errorf("find days to remove: %w", err)
		}
		for _, seal := range seals {
			if seal.Day > last {
				return total, nil
			}
			after = seal.Day
			if !seal.RemovedAt.IsZero() && (linked == "" || seal.Day < linked) {
				continue // nothing of it is left
			}
			n, err := uc.remove(ctx, seal)
			total += n
			if err != nil {
				return total, fmt.Errorf("remove %s: %w", seal.Day, err)
			}
		}
		if len(seals) == 0 {
			return total, nil
		}
	}
}

func (uc *SweepAudit) uses(sink audit.Sink) bool {
	for _, s := range uc.sinks {
		if s.Name() == sink {
			return true
		}
	}
	return false
}

// remove marks a day first: a run that is interrupted leaves no day that looks as
// if events were missing.
func (uc *SweepAudit) remove(ctx context.Context, seal audit.Seal) (total int, err error) {
	for rows := usualBatches.least; ; {
		n := 0
		took, err := timed(ctx, uc.store, func(ctx context.Context, tx ports.Tx) (err error) {
			if seal.RemovedAt.IsZero() {
				at := uc.now()
				done := seal.Removal(audit.New(audit.DayRemoved, audit.WorkerOf("sweep_audit"), at, request.Origin{}))
				if err := tx.AuditSeals().MarkRemoved(ctx, seal.Day, at, done); err != nil {
					return err
				}
			}
			n, err = tx.AuditSeals().DeleteEvents(ctx, seal.Day, rows)
			return err
		})
		if err != nil {
			return total, err
		}
		if total += n; n < rows {
			return total, nil
		}
		rows = usualBatches.next(rows, took)
	}
}
