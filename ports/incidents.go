package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
)

// IncidentReader finds incidents, and what was observed of their sources. What it
// reads is not locked.
type IncidentReader interface {
	// ByID returns [incident.ErrUnknown].
	ByID(ctx context.Context, id uid.ID) (*incident.Incident, error)
	// LatestOf finds the youngest incident of a source. It returns
	// [incident.ErrUnknown].
	LatestOf(ctx context.Context, source incident.Source) (*incident.Incident, error)
	// Holding are those that hold their sources at a time, or have noticed them. Beside them it returns an
	// [*UnreadableError] if there are others that cannot be read.
	Holding(ctx context.Context, at time.Time) ([]*incident.Incident, error)
	// All is a part of all incidents, the youngest first, and how many there are.
	// Beside them it returns an [*UnreadableError] if there are others in that part
	// that cannot be read.
	All(ctx context.Context, offset, limit int) ([]*incident.Incident, int, error)

	// Seen are up to limit observations of people and of a source (of an
	// [incident.Address], those of its network; of an [incident.DevicesAtAddress], those of
	// its devices at that address), and as many without a person, which strangers can cause: these displace none of people. Where
	// there are more of people, each person's share comes first, so that one does
	// not displace all of another.
	// The youngest come first.
	Seen(ctx context.Context, source incident.Source, since time.Time, limit int) ([]incident.Observation, error)
	// SeenOf are the observations of one authorization, the youngest first.
	SeenOf(ctx context.Context, authorization uid.ID) ([]incident.Observation, error)

	// StartedBy finds up to limit authorizations that a source started at the given
	// time or later, those that were decided before those that wait, and the youngest
	// of each first. In an Update they are locked.
	StartedBy(ctx context.Context, source incident.Source, since time.Time, limit int) ([]*device.Authorization, error)
}

// Incidents keeps incidents and observations. Add and Save announce
// [TopicIncidents].
type Incidents interface {
	IncidentReader

	// Observe keeps an observation.
	Observe(ctx context.Context, o incident.Observation, event audit.Event) error
	// Add returns [incident.ErrOpen] if the source has an incident that was not
	// released; the transaction can go on then.
	Add(ctx context.Context, i *incident.Incident, event audit.Event) error
	// Save keeps every field. It returns [incident.ErrUnknown].
	Save(ctx context.Context, i *incident.Incident, event audit.Event) error

	// DeleteSeen deletes up to limit observations that were made before the given
	// time, except those that others have locked, and returns how many. It names no
	// event: nothing reads them any more.
	DeleteSeen(ctx context.Context, before time.Time, limit int) (int, error)
}

// Holds knows the sources that are held.
type Holds interface {
	// Holds answers from memory: a change in another process is known within seconds.
	Holds(ctx context.Context) (incident.Holds, error)
	// Refresh reads what this process has just changed.
	Refresh(ctx context.Context)
}
