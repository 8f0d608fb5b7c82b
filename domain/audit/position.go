package audit

import (
	"time"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/uid"
)

// Position is the place of an event in the trail, which is ordered by time and
// then by ID. The zero Position is before all events.
type Position struct {
	At time.Time
	ID uid.ID
}

// Position returns the event's own.
func (e Event) Position() Position { return Position{e.At, e.ID} }

// IsZero reports whether p is before all events.
func (p Position) IsZero() bool { return p == Position{} }

// ErrUnknown says that no event has an ID.
var ErrUnknown = fault.New(fault.NotFound, "unknown_event",
	"There is no event with this id, or it is older than what is kept. Start at a time instead of an event.")
