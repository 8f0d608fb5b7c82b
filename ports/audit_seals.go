package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
)

// AuditSealReader reads the seals of days and the chains below them.
type AuditSealReader interface {
	// Seals are up to [AuditLimit] days after one, in order; "" is before all.
	Seals(ctx context.Context, after audit.Day) ([]audit.Seal, error)

	// LastSeal is that of the newest day; the zero Seal if there is none.
	LastSeal(ctx context.Context) (audit.Seal, error)

	// Links are up to [AuditLimit] of a day behind a number, in order.
	Links(ctx context.Context, of audit.Day, after int64) ([]audit.Link, error)

	// FirstLinkedDay is the first day of which links are kept; "" if there is none.
	FirstLinkedDay(ctx context.Context) (audit.Day, error)

	// LastLink is the newest of a day; the zero Link if there is none.
	LastLink(ctx context.Context, of audit.Day) (audit.Link, error)
}

// AuditSeals keeps seals. They name no event: it would have to be sealed in turn.
type AuditSeals interface {
	AuditSealReader

	// AddLinks fails if one with the number, or of the event, is there.
	AddLinks(ctx context.Context, links []audit.Link) error

	// AddSeal fails if the day is sealed.
	AddSeal(ctx context.Context, seal audit.Seal) error

	// MarkRemoved records when the events of a sealed day began to be removed. The
	// event is kept. It changes nothing, and keeps no event, if that was recorded
	// before.
	MarkRemoved(ctx context.Context, of audit.Day, at time.Time, event audit.Event) error

	// DeleteEvents deletes up to limit events of a day that is marked as removed,
	// with their links, and returns how many.
	DeleteEvents(ctx context.Context, of audit.Day, limit int) (int, error)
}
