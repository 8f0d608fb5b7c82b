package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ReadAudit reads events in order, from one on. What it has read does not change
// afterwards: it stops where events may still be committed between others.
type ReadAudit struct {
	store ports.Store
	now   ports.Clock
}

// NewReadAudit makes the use case.
func NewReadAudit(store ports.Store, now ports.Clock) *ReadAudit { return &ReadAudit{store, now} }

// AuditPage is a part of the trail.
type AuditPage struct {
	Events []audit.Event
	More   bool // events follow that are settled
}

// ErrAuditLimit refuses a page that is too large.
var ErrAuditLimit = fault.New(fault.Unprocessable, ErrInvalidPage.Code, fmt.Sprintf("limit is a number from 1 to %d.", ports.AuditLimit))

// Execute returns up to limit events that a filter matches, the oldest first, that
// come after an event; the zero ID: from the beginning. It returns [ErrAuditLimit]
// and [audit.ErrUnknown].
func (uc *ReadAudit) Execute(ctx context.Context, wanted ports.AuditFilter, after uid.ID, limit int) (AuditPage, error) {
	if limit < 1 || limit > ports.AuditLimit {
		return AuditPage{}, ErrAuditLimit
	}
	wanted, err := uc.from(ctx, wanted, after)
	if err != nil {
		return AuditPage{}, err
	}
	return uc.page(ctx, wanted, limit)
}

// Each hands all events that a filter matches, and that come after an event, to
// visit, the oldest first. It keeps no more than one page in memory. It returns
// [audit.ErrUnknown] and the error of visit.
func (uc *ReadAudit) Each(ctx context.Context, wanted ports.AuditFilter, after uid.ID, visit func(audit.Event) error) error {
	wanted, err := uc.from(ctx, wanted, after)
	if err != nil {
		return err
	}
	for {
		page, err := uc.page(ctx, wanted, ports.AuditLimit)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := visit(e); err != nil {
				return err
			}
			wanted.After = e.Position()
		}
		if !page.More {
			return nil
		}
	}
}

// from narrows a filter to settled events after one.
func (uc *ReadAudit) from(ctx context.Context, wanted ports.AuditFilter, after uid.ID) (ports.AuditFilter, error) {
	if settled := audit.Settled(uc.now()); wanted.Until.IsZero() || settled.Before(wanted.Until) {
		wanted.Until = settled
	}
	if after.IsZero() {
		return wanted, nil
	}
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		e, err := r.Audit().Find(ctx, after)
		wanted.After = e.Position()
		return err
	})
	if err != nil {
		return wanted, fmt.Errorf("find event: %w", err)
	}
	return wanted, nil
}

func (uc *ReadAudit) page(ctx context.Context, wanted ports.AuditFilter, limit int) (page AuditPage, err error) {
	wanted.Limit = limit + 1
	if page.Events, err = eventsIn(ctx, uc.store, wanted); err != nil {
		return AuditPage{}, err
	}
	if len(page.Events) > limit {
		page.Events, page.More = page.Events[:limit], true
	}
	return page, nil
}

func eventsIn(ctx context.Context, store ports.Store, wanted ports.AuditFilter) (events []audit.Event, err error) {
	err = store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		events, err = r.Audit().Events(ctx, wanted)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}
