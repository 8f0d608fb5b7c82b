package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
)

// AuditFilter says which events are wanted. A zero field matches every event.
type AuditFilter struct {
	Kind            audit.Kind
	TokenID         uid.ID
	AuthorizationID uid.ID
	Connection      string // slug
	Email           string // of the subject
	Issuer          string // of the subject
	ClientID        string
	Actor           audit.Actor // its kind, its name, or both
	Since           time.Time   // events at this time and later
	Until           time.Time   // events before this time
	After           audit.Position
	Newest          bool // the newest first, instead of the oldest
	Limit           int  // zero: [AuditLimit]
}

// AuditLimit bounds how many events are read at once.
const AuditLimit = 1000

// AuditReader reads events back.
type AuditReader interface {
	// Events are whole, in the order in which they happened. Events of the
	// same time are ordered by ID.
	Events(ctx context.Context, wanted AuditFilter) ([]audit.Event, error)

	// Find returns [audit.ErrUnknown].
	Find(ctx context.Context, id uid.ID) (audit.Event, error)
}

// Audit keeps events.
type Audit interface {
	AuditReader

	// Record keeps an event that changed nothing, such as a refusal.
	Record(ctx context.Context, event audit.Event) error
}
