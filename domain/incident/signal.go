package incident

import (
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
)

// Signal is a kind of sign that a campaign goes on. Each is an audit event.
type Signal string

// The signals.
const (
	SeveralPeople   Signal = "several_people"   // from other networks, for codes of one source
	ManyFirstTimes  Signal = "many_first_times" // unusually many first connections from other networks
	OneDeviceName   Signal = "one_device_name"  // of devices at one address, for several people at it
	SeveralBrowsers Signal = "several_browsers" // of several people, for one code
	PersonReports   Signal = "person_reports"   // "that wasn't me", or "I did not ask for this"
	HastyDecision   Signal = "hasty_decision"   // without the page having been read
	PollsElsewhere  Signal = "polls_elsewhere"  // a poll from another network than the start
	ManyStarts      Signal = "many_starts"      // a burst from one network
)

// Signals are all kinds.
var Signals = []Signal{SeveralPeople, ManyFirstTimes, OneDeviceName, SeveralBrowsers, PersonReports, HastyDecision, PollsElsewhere, ManyStarts}

// Signal is what the observation is by itself; empty: nothing without others.
func (o Observation) Signal() Signal {
	switch o.Kind {
	case Reported:
		return PersonReports
	case Hasty:
		return HastyDecision
	case PolledElsewhere:
		return PollsElsewhere
	case Burst:
		return ManyStarts
	}
	return ""
}

// signal is the one that suspicion of a source is by itself, where honest people are
// always part of it; empty: there is none.
func (s Source) signal() Signal {
	switch s.Kind {
	case FirstTime:
		return ManyFirstTimes
	case DevicesAtAddress:
		return OneDeviceName
	}
	return ""
}

// Event records a signal that an observation brings. Detail says what it rests on.
func (o Observation) Event(signal Signal, by audit.Actor, d device.Snapshot, detail string, origin request.Origin) audit.Event {
	e := audit.New(audit.PhishingSuspected, by, o.At, origin)
	e.AuthorizationID, e.ClientID, e.DeviceLabel, e.CreationIP = o.Authorization, d.ClientID, d.Label, d.RequestedFrom
	e.Subject, e.Reason, e.Detail = o.Person, string(signal), detail
	return e
}
