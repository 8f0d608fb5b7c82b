package incident

import (
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

var (
	// ErrUnknown says that a store has no such incident. Use cases word it.
	ErrUnknown = errors.New("incident: no such incident")
	// ErrOpen says that a store has an incident of the same source that is not
	// released.
	ErrOpen = errors.New("incident: the source has an open incident")
	// ErrReleased refuses to contain or to release what was released.
	ErrReleased = fault.New(fault.Conflict, "incident_released", "This incident was released: it holds nothing. List the incidents to see those that do.")
)

// State is what becomes of the source of an incident at a time.
type State string

// The states.
const (
	Held     State = "held"
	Noticed  State = "noticed" // it holds nothing until an administrator contains it
	Over     State = "over"
	Released State = "released"
)

// Incident is a source that is held, or was, or is only noticed. Its methods, and those
// of [Rules], are the only ways it changes; one that returns an error has changed
// nothing.
type Incident struct{ s Snapshot }

// Snapshot is an [Incident] laid flat.
type Snapshot struct {
	ID            uid.ID
	Source        Source
	NoticedAt     time.Time
	Since         time.Time // when the first of its people was seen; zero: within the window
	Authorization uid.ID    // with which it was noticed
	Why           string    // the last assessment, for operators
	Reported      bool      // a person said that they did not ask
	HeldUntil     time.Time // or, of one that is only noticed, when it is over
	ContainedAt   time.Time // for the last time
	ContainedBy   string
	Partly        bool // of certain people alone, each time
	ReleasedAt    time.Time
	ReleasedBy    string
}

// Restore brings an incident back from storage.
func Restore(s Snapshot) (*Incident, error) {
	if s.ID.IsZero() || !s.Source.possible() || s.NoticedAt.IsZero() || s.HeldUntil.IsZero() ||
		s.ContainedAt.IsZero() != (s.ContainedBy == "") || s.Partly && s.ContainedBy == "" || s.ReleasedAt.IsZero() != (s.ReleasedBy == "") {
		return nil, fmt.Errorf("incident: stored incident %s is in an impossible state", s.ID)
	}
	return &Incident{s}, nil
}

// Snapshot is the incident laid flat.
func (i *Incident) Snapshot() Snapshot { return i.s }

// Notice begins an incident, by a signal of the given authorization.
func (r Rules) Notice(source Source, why Assessment, authorization uid.ID, at time.Time) (*Incident, audit.Event) {
	i := &Incident{Snapshot{
		ID: uid.New(at), Source: source, NoticedAt: at, Authorization: authorization,
		Why: why.String(), Reported: len(why.Reporters) > 0, Since: why.Since,
	}}
	r.prolong(i, at)
	return i, i.event(audit.IncidentNoticed, audit.WorkerOf("incidents"), at, request.Origin{})
}

// prolong has the incident go on after a signal.
func (r Rules) prolong(i *Incident, at time.Time) {
	switch {
	case !i.s.Source.isOnlyNoticed():
		i.s.HeldUntil = at.Add(r.Hold)
	case i.Holds(at): // for as long as the containment said: people there may be honest
	default:
		if !i.s.Partly {
			i.s.ContainedAt, i.s.ContainedBy = time.Time{}, ""
		}
		i.s.HeldUntil = at.Add(r.Window)
	}
}

// Extend holds the source longer, because there is another signal. A source that is
// only noticed is noticed anew once a containment of it holds nothing any more. It
// refuses with [ErrReleased].
func (r Rules) Extend(i *Incident, why Assessment, at time.Time) (audit.Event, error) {
	if !i.s.ReleasedAt.IsZero() {
		return audit.Event{}, ErrReleased
	}
	if !why.Since.IsZero() && (i.s.Since.IsZero() || why.Since.Before(i.s.Since)) {
		i.s.Since = why.Since
	}
	i.s.Why, i.s.Reported = why.String(), i.s.Reported || len(why.Reporters) > 0
	r.prolong(i, at)
	return i.event(audit.IncidentExtended, audit.WorkerOf("incidents"), at, request.Origin{}), nil
}

// Holds reports whether the source is held.
func (i *Incident) Holds(at time.Time) bool { return i.State(at) == Held }

// State is what becomes of the source at a time.
func (i *Incident) State(at time.Time) State {
	switch {
	case !i.s.ReleasedAt.IsZero():
		return Released
	case !at.Before(i.s.HeldUntil):
		return Over
	case i.s.Source.isOnlyNoticed() && (i.s.ContainedAt.IsZero() || i.s.Partly):
		return Noticed
	}
	return Held
}

// isOnlyNoticed reports whether a source is held by an administrator alone.
func (s Source) isOnlyNoticed() bool { return s.Kind == DevicesAtAddress }

// Release ends an incident that is a false alarm. It returns [ErrReleased].
func (i *Incident) Release(by audit.Actor, at time.Time, origin request.Origin) (audit.Event, error) {
	if !i.s.ReleasedAt.IsZero() {
		return audit.Event{}, ErrReleased
	}
	i.s.ReleasedAt, i.s.ReleasedBy = at, by.Name
	return i.event(audit.IncidentReleased, by, at, origin), nil
}

// Contain records that what the source got was ended; partly: what certain people
// approved. The source stays held; one that is only noticed is held from now on if all
// was ended. It returns [ErrReleased].
func (r Rules) Contain(i *Incident, by audit.Actor, partly bool, ended string, at time.Time, origin request.Origin) (audit.Event, error) {
	if !i.s.ReleasedAt.IsZero() {
		return audit.Event{}, ErrReleased
	}
	i.s.Partly = partly && (i.s.Partly || i.s.ContainedAt.IsZero())
	i.s.ContainedAt, i.s.ContainedBy = at, by.Name
	if i.s.Source.isOnlyNoticed() && !partly {
		i.s.HeldUntil = at.Add(r.Hold)
	}
	e := i.event(audit.IncidentContained, by, at, origin)
	e.Detail += "; " + ended
	return e, nil
}

// Since is the time from which on containing ends what the source started.
func (r Rules) Since(i *Incident) time.Time {
	since := i.s.NoticedAt.Add(-r.Window)
	if first := i.s.Since.Add(-longestCode); !i.s.Since.IsZero() && first.Before(since) {
		return first
	}
	return since
}

// longestCode is longer than any code lives: its device had started before a person
// was seen.
const longestCode = time.Hour

// lastMinute is left of a code for the poll that gets the token after a wait.
const lastMinute = time.Minute

// MayRedeem reports whether an approval of d that is not from the device's own
// network, nor by a person at home at the source, may be redeemed while the source
// is held. It waits a while, so that people can report it and administrators can
// contain it.
//
// Nothing is redeemed of a network or an address that an administrator contained, nor
// of a network that was reported, unless it has people near ([HasPeopleNear]): reports must not lock
// an office out. Nor unless an administrator contained what certain people approved:
// then others there are honest. Devices that are merely alike may be honest ones: after a
// containment they wait until their code is about to end. At one address they wait as
// before a containment. [FirstTime] makes nothing wait.
func (r Rules) MayRedeem(i *Incident, d device.Snapshot, peopleNear bool, at time.Time) bool {
	if !i.Holds(at) || i.s.Source.Kind == FirstTime {
		return true
	}
	contained, end := !i.s.ContainedAt.IsZero() && !i.s.Partly, d.ExpiresAt.Add(-lastMinute)
	reported := i.s.Reported && !peopleNear && !i.s.Partly
	switch {
	case i.s.Source.Kind == Network && (contained || reported), i.s.Source.Kind == Address && contained:
		return false
	case i.s.Source.Kind == Devices && contained:
		return !at.Before(end)
	}
	from := d.DecidedAt
	if i.s.NoticedAt.After(from) {
		from = i.s.NoticedAt
	}
	return !at.Before(from.Add(r.Wait)) || !at.Before(end)
}

// MayRedeemAfter reports the same, for any approval of d, which approved was observed
// of, in the light of what was observed of the source.
func (r Rules) MayRedeemAfter(i *Incident, d device.Snapshot, approved Observation, seen []Observation, past Past, at time.Time) bool {
	return r.IsUnconcerned(i.s.Source, approved, seen, past, at) || r.MayRedeem(i, d, HasPeopleNear(seen), at)
}

func (i *Incident) event(kind audit.Kind, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.AuthorizationID = i.s.Authorization
	e.Detail = fmt.Sprintf("incident %s; source: %s; %s", i.s.ID, i.s.Source, i.s.Why)
	if i.s.Source.Kind != Network {
		e.ClientID, e.DeviceLabel = i.s.Source.ClientID, i.s.Source.Label
	}
	return e
}
