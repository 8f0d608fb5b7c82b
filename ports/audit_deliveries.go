package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
)

// AuditSink receives events. Its errors name no secret and no personal data: they
// are kept, logged and shown.
type AuditSink interface {
	// Name says which sink it is.
	Name() audit.Sink

	// Deliver returns nil when the sink has taken the event. It returns within
	// half a minute, and soon after ctx has ended. It may be called at the same
	// time for events of different streams. It may return a [*Later].
	Deliver(ctx context.Context, e audit.Event) error
}

// AuditSinks are those that are configured.
type AuditSinks []AuditSink

// Later is an error of a sink that says when to try again: after a pause.
type Later struct {
	After time.Duration
	Err   error
}

func (l *Later) Error() string { return l.Err.Error() }

func (l *Later) Unwrap() error { return l.Err }

// AuditDeliveryReader tells how deliveries go.
type AuditDeliveryReader interface {
	// All is the progress of each sink, by name.
	All(ctx context.Context) ([]audit.Progress, error)

	// Due are up to limit parked events that may be tried at a time: of each
	// stream the first one that is not dead, in the order of the trail.
	Due(ctx context.Context, of audit.Sink, at time.Time, limit int) ([]audit.Parked, error)

	// Dead are up to limit dead events, in the order of the trail.
	Dead(ctx context.Context, of audit.Sink, limit int) ([]audit.Parked, error)

	// Count counts the parked events of a sink.
	Count(ctx context.Context, of audit.Sink) (waiting, dead int, err error)

	// Held are those of some streams in which an event waits.
	Held(ctx context.Context, of audit.Sink, streams []string) ([]string, error)
}

// AuditDeliveries keeps how deliveries go. Its writes name no event: it would have
// to be delivered in turn.
type AuditDeliveries interface {
	AuditDeliveryReader

	// Lock returns the progress of a sink, which nothing else changes until the
	// transaction ends. Of a new sink only its name is set.
	Lock(ctx context.Context, of audit.Sink) (audit.Progress, error)

	// Save keeps progress that was locked.
	Save(ctx context.Context, p audit.Progress) error

	// Park keeps parked events, new ones and changed ones.
	Park(ctx context.Context, all []audit.Parked) error

	// Unpark forgets parked events.
	Unpark(ctx context.Context, of audit.Sink, events []uid.ID) error
}
