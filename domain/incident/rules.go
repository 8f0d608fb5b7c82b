package incident

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/uid"
)

// Rules are the thresholds. Operators may set them.
type Rules struct {
	// People is how many people in other networks make an incident of a source that
	// has no people at home. Zero: nothing is ever held.
	People int
	// FirstTime is how many people at least make an incident of the first
	// connections of a client, see [Rules.Assess]. Zero: they are never held.
	FirstTime int
	// Reports is how many people who did not ask for a device make an incident of
	// a source, whatever people are at home there. Zero: as many as its threshold
	// takes.
	Reports int
	// Window is how long an observation is a reason for suspicion. An approval
	// of longer ago makes its person one at home at the source.
	Window time.Duration
	// Hold is how long a source is held after the last signal.
	Hold time.Duration
	// Wait is how long an approval that was given although the source was held waits
	// for its redemption, unless a person reports the source meanwhile.
	Wait time.Duration
	// Reading is the least time in which the page can be read.
	Reading time.Duration
	// Exempt are networks whose devices are never suspect, such as those of build
	// farms and jump hosts.
	Exempt []netip.Prefix
}

// DefaultRules are those of an installation that sets nothing.
var DefaultRules = Rules{
	People: 3, FirstTime: 3, Reports: 2, Window: 24 * time.Hour, Hold: time.Hour, Wait: 2 * time.Minute, Reading: 2 * time.Second,
}

// Memory is how long observations are kept. People are at home at a source by
// approvals within it.
const Memory = 30 * 24 * time.Hour

// SeenAtMost bounds how many observations of one source are weighed, the newest
// first: so many of people, and as many of what a stranger can cause.
const SeenAtMost = 5000

// The points of what is observed. One suspect case and one report by another
// person, or two reports, make an incident where three suspect cases do. What a
// stranger can cause counts once for each kind: all of it is worth one person.
const (
	pointsOfPerson   = 3
	pointsOfReport   = 6
	pointsOfBrowsers = 3 // a code that several people opened
	pointsOfPoll     = 3 // once: a suspect case's code was polled for from elsewhere
	pointsOfRest     = 1
)

// Assessment is what the observations of one source come to.
type Assessment struct {
	People    []identity.Subject // suspect cases, the latest last
	Reporters []identity.Subject
	AtHome    int // people at home at the source
	Shared    int // codes that several people opened in several browsers
	Polled    int // codes of suspect cases that were polled for from elsewhere
	Usual     int // of [FirstTime]: people that may be a coincidence
	Points    int
	Threshold int // zero: none can be reached
	// Since is when the first of the people was seen; zero: within the window.
	Since time.Time
}

// Suspected reports whether there is an incident.
func (a Assessment) Suspected() bool { return a.Threshold > 0 && a.Points >= a.Threshold }

// String is the assessment for the detail of events.
func (a Assessment) String() string {
	return fmt.Sprintf("people: %d; usual: %d; reports: %d; codes opened by several: %d; codes polled from elsewhere: %d; at home: %d; points: %d of %d",
		len(a.People), a.Usual, len(a.Reporters), a.Shared, a.Polled, a.AtHome, a.Points, a.Threshold)
}

// IsExempt reports whether codes of a network are never suspect.
func (r Rules) IsExempt(network netip.Prefix) bool {
	return slices.ContainsFunc(r.Exempt, func(exempt netip.Prefix) bool { return network.IsValid() && exempt.Contains(network.Addr()) })
}

// Assess weighs what was observed of a source since [Memory] began. What was
// observed before a release is no reason for suspicion any more; a zero released
// is none. A common source is one that honest devices without a name of their own
// share, which takes twice as much. Of [FirstTime] people count if so many of them,
// in different networks that are not familiar, within so short a span are hardly a
// coincidence: at the average of the time before, that is expected about
// once a month. What was contained is not part of the average. The people of a
// [Network] and of an [Address] count for all of [Memory], too, see
// [Rules.assessSlow]. Of an [Address] the observations of its network are given. Of a
// [DevicesAtAddress] people at the address count.
func (r Rules) Assess(source Source, common bool, seen []Observation, past Past, at time.Time) Assessment {
	seen = r.seenBy(source, seen)
	if source.Kind == DevicesAtAddress {
		return r.assessAtAddress(source, seen, past, at)
	}
	out := r.assessQuick(source, common, seen, past, at)
	if source.Kind != Network && source.Kind != Address {
		return out
	}
	if slow := r.assessSlow(source, seen, len(out.Reporters), past, at); slow.Suspected() && slow.Points > out.Points {
		out.People, out.AtHome, out.Since, out.Points, out.Threshold = slow.People, slow.AtHome, slow.Since, slow.Points, slow.Threshold
	}
	return out
}

// assessQuick weighs what was observed within the window.
func (r Rules) assessQuick(source Source, common bool, seen []Observation, past Past, at time.Time) Assessment {
	home := r.atHome(seen, past.Released, at)
	e := r.gather(seen, home, past, at)
	out := Assessment{AtHome: len(home), People: e.people, Reporters: e.reports}
	if source.Kind == Network || source.Kind == Address {
		out.AtHome = r.presentOf(source, seen, home, past, at)
	}
	for id, of := range e.opened {
		if severalBrowsers(of) {
			out.Shared++
		}
		if e.polled[id] {
			out.Polled++
		}
	}
	if source.isMatterOfNetwork(e) {
		return out
	}
	people := 0
	for by := range e.suspects {
		if !e.reporters[by] {
			people++
		}
	}
	if source.Kind == FirstTime {
		beyond := r.beyondUsual(seen, home, e.reporters, past, at)
		out.Usual = max(people-beyond, 0)
		people = beyond
	}
	return r.count(out, source, people, len(e.rest), common)
}

// isMatterOfNetwork reports whether what was observed is weighed by the network alone:
// no person beside an address, or devices alike in one network.
func (s Source) isMatterOfNetwork(e evidence) bool {
	switch s.Kind {
	case Network:
		return false
	case Address:
		return len(e.suspects) == 0
	}
	return len(e.networks) < 2
}

// evidence is what was observed of a source within the window.
type evidence struct {
	suspects, reporters map[person]bool
	people, reports     []identity.Subject // the same, the latest last
	networks            map[netip.Prefix]bool
	opened              map[uid.ID][]Observation // by suspects
	polled              map[uid.ID]bool          // from elsewhere
	rest                map[ObservationKind]bool // what strangers can cause
}

func (r Rules) gather(seen []Observation, home map[person]bool, past Past, at time.Time) evidence {
	e := evidence{
		suspects: map[person]bool{}, reporters: map[person]bool{}, networks: map[netip.Prefix]bool{},
		opened: map[uid.ID][]Observation{}, polled: map[uid.ID]bool{}, rest: map[ObservationKind]bool{},
	}
	for _, o := range seen {
		if !o.At.After(past.Released) || !o.At.After(at.Add(-r.Window)) || r.IsExempt(o.Network) {
			continue
		}
		by := o.person()
		switch {
		case o.Kind == Reported && !o.Person.IsZero() && !e.reporters[by]:
			e.reporters[by] = true
			e.reports = append(e.reports, o.Person)
		case o.suspect() && !home[by]:
			e.networks[o.Network] = true
			if e.opened[o.Authorization] = append(e.opened[o.Authorization], o); e.suspects[by] {
				continue
			}
			e.suspects[by] = true
			e.people = append(e.people, o.Person)
		case o.Kind == PolledElsewhere:
			e.polled[o.Authorization], e.rest[o.Kind] = true, true
		case o.Kind == Hasty && o.Where == Far && !home[by], o.Kind == Burst:
			e.rest[o.Kind] = true
		}
	}
	return e
}

func (r Rules) count(out Assessment, source Source, people, rest int, common bool) Assessment {
	reporters := len(out.Reporters)
	out.Points = pointsOfPerson*people + pointsOfReport*reporters + pointsOfBrowsers*out.Shared + pointsOfRest*rest
	if out.Polled > 0 { // in place of what a stranger's poll counts
		out.Points += pointsOfPoll - pointsOfRest
	}
	most := r.People
	if source.Kind == FirstTime {
		most = min(most, r.FirstTime)
	}
	if most <= 0 {
		return out
	}
	switch {
	case source.Kind == FirstTime:
		out.Threshold = pointsOfPerson * r.FirstTime
	case common:
		out.Threshold = pointsOfPerson * (2*r.People + out.AtHome)
	default:
		out.Threshold = pointsOfPerson * (r.People + out.AtHome)
	}
	if r.Reports > 0 && reporters >= r.Reports {
		out.Threshold = min(out.Threshold, pointsOfReport*r.Reports)
	}
	return out
}

// atHome are the people of approvals that came from the device's own network, or
// before the window began, or before the source was released.
func (r Rules) atHome(seen []Observation, released, at time.Time) map[person]bool {
	home := map[person]bool{}
	for _, o := range seen {
		if o.Kind == Approved && !o.Person.IsZero() &&
			(o.Where == Near || !o.At.After(released) || !o.At.After(at.Add(-r.Window))) {
			home[o.person()] = true
		}
	}
	for _, o := range seen { // an approval that was taken back shows nothing
		if o.Kind == Reported {
			delete(home, o.person())
		}
	}
	return home
}

// presentOf counts the people at home at a network or an address who make it likely
// that others use it from elsewhere: those who did so before, and those who were near
// within the window. People who were near long ago would hide an attacker in a network
// that everybody uses now and then.
func (r Rules) presentOf(source Source, seen []Observation, home map[person]bool, past Past, at time.Time) int {
	near, others, since := map[person]bool{}, map[person]bool{}, r.since(past, at)
	for _, o := range seen {
		switch {
		case o.Kind != Approved || !home[o.person()]:
		case o.Where != Near:
			others[o.person()] = true
		case o.At.After(since):
			near[o.person()] = true
		}
	}
	maps.DeleteFunc(near, func(p person, _ bool) bool { return others[p] })
	return len(others) + source.presentNear(len(near))
}

// ApprovalIn is the approval among the observations of one authorization; zero: there
// is none.
func ApprovalIn(seen []Observation) Observation {
	if i := slices.IndexFunc(seen, func(o Observation) bool { return o.Kind == Approved }); i >= 0 {
		return seen[i]
	}
	return Observation{}
}

// HasPeopleNear reports whether a person approved a device from its own network, of
// the observations of that network. An attacker's has none.
func HasPeopleNear(seen []Observation) bool { return len(nearOf(seen)) > 0 }

// nearOf are those who approved a device from its own network, and reported none.
func nearOf(seen []Observation) map[person]bool {
	near := map[person]bool{}
	for _, o := range seen {
		if o.Kind == Approved && o.Where == Near {
			near[o.person()] = true
		}
	}
	for _, o := range seen {
		if o.Kind == Reported {
			delete(near, o.person())
		}
	}
	return near
}

// IsUsedNear reports whether a person, or several others, approved devices from
// their own network, of the observations of that network. One person's home is no
// place in which others are expected to have devices.
func IsUsedNear(by identity.Subject, seen []Observation) bool {
	near := nearOf(seen)
	return near[personOf(by)] || len(near) >= peopleOfNetwork
}

// severalBrowsers reports whether several people opened a code, each in a browser
// of their own.
func severalBrowsers(opened []Observation) bool {
	for i, a := range opened {
		for _, b := range opened[:i] {
			if a.person() != b.person() && a.Browser != b.Browser {
				return true
			}
		}
	}
	return false
}

// Weighed is what one more observation of a source changes.
type Weighed struct {
	Signals       []Signal // that it brings besides what it is by itself
	Before, After Assessment
}

// IsNews reports whether the source has become more suspect, by a signal or because
// there is an incident.
func (w Weighed) IsNews() bool {
	return w.After.Points > w.Before.Points && (w.After.Suspected() || len(w.Signals) > 0)
}

// Weigh assesses a source without and with the observation last.
func (r Rules) Weigh(source Source, common bool, seen []Observation, last uid.ID, past Past, at time.Time) Weighed {
	without := slices.DeleteFunc(slices.Clone(seen), func(o Observation) bool { return o.ID == last })
	w := Weighed{Before: r.Assess(source, common, without, past, at), After: r.Assess(source, common, seen, past, at)}
	if signal := source.signal(); signal != "" {
		if w.After.Suspected() && w.After.Points > w.Before.Points {
			w.Signals = append(w.Signals, signal)
		}
		return w
	}
	if len(w.After.People) > max(1, len(w.Before.People)) {
		w.Signals = append(w.Signals, SeveralPeople)
	}
	if w.After.Shared > w.Before.Shared {
		w.Signals = append(w.Signals, SeveralBrowsers)
	}
	return w
}
