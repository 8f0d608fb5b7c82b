package application

import (
	"context"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// TailAudit shows the newest events, and those that come.
type TailAudit struct {
	store ports.Store
	now   ports.Clock
}

// NewTailAudit makes the use case.
func NewTailAudit(store ports.Store, now ports.Clock) *TailAudit { return &TailAudit{store, now} }

// Execute hands the last count events that a filter matches to visit, the oldest
// first, and at each tick those that have come since; nil ticks: none. An event
// that is committed late is shown late, and none is shown twice. Execute returns
// nil when ticks are closed, [ErrAuditLimit], and the error of visit.
func (uc *TailAudit) Execute(ctx context.Context, wanted ports.AuditFilter, count int, ticks <-chan time.Time, visit func(audit.Event) error) error {
	if count < 1 || count > ports.AuditLimit {
		return ErrAuditLimit
	}
	seen := recentEvents{}
	ignore := func(audit.Event) error { return nil }
	if ticks != nil { // before the newest are read: an event between the two is shown
		if err := uc.unseen(ctx, wanted, seen, ignore); err != nil {
			return err
		}
	}
	newest := wanted
	newest.Newest, newest.Limit = true, count
	events, err := eventsIn(ctx, uc.store, newest)
	if err != nil {
		return err
	}
	slices.Reverse(events)
	for _, e := range events {
		seen[e.ID] = e.At
		if err := visit(e); err != nil {
			return err
		}
	}
	if ticks == nil {
		return nil
	}
	for range ticks {
		if err := uc.unseen(ctx, wanted, seen, visit); err != nil {
			return err
		}
	}
	return nil
}

// recentEvents are events that were shown, with their times.
type recentEvents map[uid.ID]time.Time

// unseen hands events that may have come lately, and were not seen, to visit.
func (uc *TailAudit) unseen(ctx context.Context, wanted ports.AuditFilter, seen recentEvents, visit func(audit.Event) error) error {
	floor := audit.Settled(uc.now())
	if wanted.Since.Before(floor) {
		wanted.Since = floor
	}
	for id, at := range seen {
		if at.Before(floor) {
			delete(seen, id)
		}
	}
	for {
		events, err := eventsIn(ctx, uc.store, wanted)
		if err != nil {
			return err
		}
		for _, e := range events {
			wanted.After = e.Position()
			if _, known := seen[e.ID]; known {
				continue
			}
			seen[e.ID] = e.At
			if err := visit(e); err != nil {
				return err
			}
		}
		if len(events) < ports.AuditLimit {
			return nil
		}
	}
}
