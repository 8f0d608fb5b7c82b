package incident

import (
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// ObservationKind is a kind of observation.
type ObservationKind string

// The kinds of observations.
const (
	Opened   ObservationKind = "opened"   // a person signed in for the code
	Approved ObservationKind = "approved" // a person approved it
	Reported ObservationKind = "reported" // a person said that they did not ask for it

	// These add little: a stranger can cause them.
	Hasty           ObservationKind = "hasty"            // approved sooner than the page can be read
	PolledElsewhere ObservationKind = "polled_elsewhere" // polled from another network than it was started in
	Burst           ObservationKind = "burst"            // many codes were started in one network
)

// Whereabouts is where a person is, as seen from the device.
type Whereabouts string

// The whereabouts.
const (
	Near    Whereabouts = "near"    // in the device's network
	Far     Whereabouts = "far"     // in another one
	Unknown Whereabouts = "unknown" // a proxy hides an address
)

// Browser is what is known of a person's browser.
type Browser struct {
	Session secret.Digest // what names it; zero: not known
	// SignedInFrom is from where the identity provider's response came; zero: not
	// known. It is elsewhere if an attacker's page relays the sign-in.
	SignedInFrom netip.Addr
}

// WhereaboutsOf compares a person's addresses with that of the device: that of the
// request, and the one signed in from. A person is far if one of them is, and near if
// both are; one that a proxy hides is not known to be. Addresses of different families
// are far from each other: an attacker chooses the family.
func WhereaboutsOf(d device.Snapshot, person request.Origin, signedInFrom netip.Addr) Whereabouts {
	device, browser, signedIn := NetworkOf(d.RequestedFrom), NetworkOf(person.CertainAddress()), NetworkOf(signedInFrom)
	switch {
	case device.IsValid() && (browser.IsValid() && browser != device || signedIn.IsValid() && signedIn != device):
		return Far
	case !device.IsValid() || !browser.IsValid() || !signedIn.IsValid():
		return Unknown
	}
	return Near
}

// Observation is something that was seen of one authorization.
type Observation struct {
	ID            uid.ID
	Kind          ObservationKind
	At            time.Time
	Authorization uid.ID
	Network       netip.Prefix // of the device; zero: not known
	Devices       string       // key of the [Devices] source
	FirstTime     string       // key of the [FirstTime] source; empty: it is no part of it
	Person        identity.Subject
	Browser       secret.Digest // that the person used; zero: not known
	Where         Whereabouts   // of the person; empty: there is none

	// The addresses; zero: not known. Of two that the person has, BrowserAddress is one
	// that is not the device's.
	DeviceAddress, BrowserAddress netip.Addr
}

// Observe makes the observation that a person did something about a device in a
// browser.
func Observe(kind ObservationKind, d device.Snapshot, person identity.Subject, browser Browser, at time.Time, from request.Origin) Observation {
	o := of(kind, d, at)
	o.Person, o.Browser, o.Where = person, browser.Session, WhereaboutsOf(d, from, browser.SignedInFrom)
	if o.BrowserAddress = plain(from.CertainAddress()); o.BrowserAddress == o.DeviceAddress && browser.SignedInFrom.IsValid() {
		o.BrowserAddress = plain(browser.SignedInFrom)
	}
	if kind == Reported {
		return o.AsFirstTime()
	}
	return o
}

// ObserveDecision makes the observations of a decision about d, which the given event
// records, in a browser whose person had signed in at a time: an approval, which may
// be hasty, or a report.
func (r Rules) ObserveDecision(d device.Snapshot, signedIn time.Time, browser Browser, decided audit.Event) []Observation {
	observe := func(kind ObservationKind) Observation {
		return Observe(kind, d, d.Subject, browser, decided.At, decided.Origin)
	}
	switch {
	case d.Status == device.Approved:
		approved := observe(Approved)
		if approved.Where == Far && decided.At.Before(signedIn.Add(r.Reading)) {
			return []Observation{approved, observe(Hasty)}
		}
		return []Observation{approved}
	case decided.Reason == device.NotRequested:
		return []Observation{observe(Reported)}
	}
	return nil
}

// ObservePoll makes the observation of a poll from another network than the
// device's; false: it is none.
func ObservePoll(d device.Snapshot, at time.Time, from request.Origin) (Observation, bool) {
	start, poll := NetworkOf(d.RequestedFrom), NetworkOf(from.CertainAddress())
	if !start.IsValid() || !poll.IsValid() || start == poll {
		return Observation{}, false
	}
	return of(PolledElsewhere, d, at), true
}

// ObserveBurst makes the observation that d was one of many starts in its network.
func ObserveBurst(d device.Snapshot, at time.Time) Observation { return of(Burst, d, at) }

func of(kind ObservationKind, d device.Snapshot, at time.Time) Observation {
	o := Observation{ID: uid.New(at), Kind: kind, At: at, Authorization: d.ID, DeviceAddress: plain(d.RequestedFrom)}
	for _, s := range SourcesOf(d) {
		switch s.Kind {
		case Network:
			o.Network = s.Network
		case Devices:
			o.Devices = s.Key()
		}
	}
	return o
}

// IsEvidence reports whether the observation is worth keeping. Opening a code in the
// device's own network is not, unless it is done at another address than the device's.
func (o Observation) IsEvidence() bool { return o.Kind != Opened || o.Where == Far || o.IsBeside() }

// IsWeighed reports whether sources are assessed because of the observation. An
// approval is no new reason where its person was weighed when they opened the code.
// [Source.Weighs] says which source is.
func (o Observation) IsWeighed() bool { return o.Kind != Approved || o.IsAtDevice() }

// MayBeFirstTime reports whether the observation counts for [FirstTime] if its person
// has never connected the client and label of the device ([Observation.AsFirstTime]).
func (o Observation) MayBeFirstTime() bool { return o.Where == Far && o.FirstTime == "" }

// AsFirstTime says that the person of o has never connected the device, or reports
// it. It counts for [FirstTime] if the person is far.
func (o Observation) AsFirstTime() Observation {
	if o.Where == Far {
		o.FirstTime = Source{Kind: FirstTime}.Key()
	}
	return o
}

// person is the key under which the people of observations are compared.
type person struct{ issuer, email string }

func (o Observation) person() person { return personOf(o.Person) }

func personOf(s identity.Subject) person { return person{s.Issuer(), s.Email().String()} }

// suspect reports whether the observation is of a possible victim.
func (o Observation) suspect() bool {
	return (o.Kind == Opened || o.Kind == Approved) && o.Where == Far && !o.Person.IsZero()
}
