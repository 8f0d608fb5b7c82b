package incident_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

const far, near, beside = "10.1.0.7", "192.0.2.7", "192.0.2.9"

// requested is an authorization whose device is in [network].
func requested(t *testing.T, status device.Status) device.Snapshot {
	return device.Snapshot{ID: uid.New(noon), ClientID: "difyctl", Label: "laptop", RequestedFrom: netip.MustParseAddr("192.0.2.7"), Status: status, Subject: person(t, 1)}
}

// inBrowser is a request from an address, and its browser, which signed in there.
func inBrowser(address string) (request.Origin, incident.Browser) {
	ip := netip.MustParseAddr(address)
	return request.Origin{IP: ip}, incident.Browser{SignedInFrom: ip}
}

func TestWhatADecisionIs(t *testing.T) {
	read := rules.Reading
	for name, c := range map[string]struct {
		status  device.Status
		reason  string
		address string
		after   time.Duration // the sign-in
		want    []incident.ObservationKind
	}{
		"an approval":                        {device.Approved, "", far, read, []incident.ObservationKind{incident.Approved}},
		"an approval before it can be read":  {device.Approved, "", far, read - 1, []incident.ObservationKind{incident.Approved, incident.Hasty}},
		"the same, in the device's network":  {device.Approved, "", near, 0, []incident.ObservationKind{incident.Approved}},
		"a denial":                           {device.Denied, "", far, 0, nil},
		"a denial of what was not asked for": {device.Denied, device.NotRequested, far, 0, []incident.ObservationKind{incident.Reported}},
	} {
		origin, browser := inBrowser(c.address)
		decided := audit.Event{At: noon, Reason: c.reason, Origin: origin}
		var got []incident.ObservationKind
		for _, o := range rules.ObserveDecision(requested(t, c.status), noon.Add(-c.after), browser, decided) {
			got = append(got, o.Kind)
			if o.Person != person(t, 1) || o.At != noon {
				t.Errorf("%s: got %+v, want the person and the time of the decision", name, o)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatAnObservationIsGoodFor(t *testing.T) {
	for name, c := range map[string]struct {
		kind                          incident.ObservationKind
		address                       string
		evidence, weighed, needsPast  bool
		firstTime, firstTimeIfUnknown bool
	}{
		"opened":                             {incident.Opened, far, true, true, true, false, true},
		"opened at the device's address":     {incident.Opened, near, false, true, false, false, false},
		"approved":                           {incident.Approved, far, true, false, true, false, true},
		"approved at the device's address":   {incident.Approved, near, true, true, false, false, false},
		"approved beside the device":         {incident.Approved, beside, true, false, false, false, false},
		"opened beside the device":           {incident.Opened, beside, true, true, false, false, false},
		"reported":                           {incident.Reported, far, true, true, false, true, true},
		"reported from the device's network": {incident.Reported, near, true, true, false, false, false},
	} {
		d := requested(t, device.Pending)
		origin, browser := inBrowser(c.address)
		o := incident.Observe(c.kind, d, person(t, 1), browser, noon, origin)
		if o.IsEvidence() != c.evidence || o.IsWeighed() != c.weighed || o.MayBeFirstTime() != c.needsPast {
			t.Errorf("%s: got evidence %t, weighed %t and may be a first time %t, want %t, %t and %t",
				name, o.IsEvidence(), o.IsWeighed(), o.MayBeFirstTime(), c.evidence, c.weighed, c.needsPast)
		}
		if got := o.FirstTime != ""; got != c.firstTime {
			t.Errorf("%s: got %t for a first connection, want %t", name, got, c.firstTime)
		}
		if got := o.AsFirstTime().FirstTime != ""; got != c.firstTimeIfUnknown {
			t.Errorf("%s: got %t for a first connection of a new person, want %t", name, got, c.firstTimeIfUnknown)
		}
	}
}

func TestWhatIsNews(t *testing.T) {
	for name, c := range map[string]struct {
		seen func(s *story)
		want bool
	}{
		"a first suspect case":      {func(s *story) { s.opened(1) }, false},
		"a second one is a signal":  {func(s *story) { s.opened(1, 2) }, true},
		"a third one is enough":     {func(s *story) { s.opened(1, 2, 3) }, true},
		"one of a person, again":    {func(s *story) { s.opened(1, 2, 3, 3) }, false},
		"a report after two":        {func(s *story) { s.opened(1, 2).reported(3) }, true},
		"a burst is little":         {func(s *story) { s.opened(1).add(incident.Burst, 0, "", 0) }, false},
		"a burst after an incident": {func(s *story) { s.opened(1, 2, 3).add(incident.Burst, 0, "", 0) }, true},
	} {
		s := &story{t: t}
		c.seen(s)
		weighed := rules.Weigh(network, false, s.seen, s.seen[len(s.seen)-1].ID, incident.Past{}, noon)
		if weighed.IsNews() != c.want {
			t.Errorf("%s: got news %t of %s, want %t", name, weighed.IsNews(), weighed.After, c.want)
		}
	}
}

func TestPeopleAtHomeRedeemAtOnce(t *testing.T) {
	i := noticed(t, (&story{t: t}).opened(1, 2, 3))
	d := device.Snapshot{DecidedAt: noon, ExpiresAt: noon.Add(15 * time.Minute), Subject: person(t, 9)}
	for name, c := range map[string]struct {
		seen *story
		want bool
	}{
		"a stranger to the source": {(&story{t: t}).opened(1, 2, 3), false},
		"another is at home":       {(&story{t: t}).near(8).opened(1, 2, 3), false},
		"at home":                  {(&story{t: t}).near(9).opened(1, 2, 3), true},
	} {
		approved := incident.Observation{Kind: incident.Approved, Person: person(t, 9), Network: network.Network}
		if got := rules.MayRedeemAfter(i, d, approved, c.seen.seen, incident.Past{}, noon); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
		if got := rules.IsUnconcerned(network, approved, c.seen.seen, incident.Past{}, noon); got != c.want {
			t.Errorf("%s: got unconcerned %t, want %t", name, got, c.want)
		}
	}
	if got := incident.ApprovalIn((&story{t: t}).opened(1).seen); got.Kind != "" {
		t.Errorf("got the approval %+v, want none", got)
	}
	if got := incident.ApprovalIn((&story{t: t}).opened(1).near(1).seen); got.Kind != incident.Approved {
		t.Errorf("got %+v, want the approval", got)
	}
}

// Each source is weighed because of what adds something to it.
func TestWhichSourcesAreWeighed(t *testing.T) {
	d := requested(t, device.Pending)
	for name, c := range map[string]struct {
		kind    incident.ObservationKind
		address string
		first   bool
		want    []incident.SourceKind
	}{
		"opened elsewhere":             {incident.Opened, far, false, []incident.SourceKind{incident.Devices, incident.Network}},
		"the same, for the first time": {incident.Opened, far, true, []incident.SourceKind{incident.Devices, incident.Network, incident.FirstTime}},
		"opened beside the device":     {incident.Opened, beside, false, []incident.SourceKind{incident.Devices, incident.Network, incident.Address}},
		"approved beside the device":   {incident.Approved, beside, false, nil},
		"approved at the device":       {incident.Approved, near, false, []incident.SourceKind{incident.DevicesAtAddress}},
		"reported at the device":       {incident.Reported, near, false, []incident.SourceKind{incident.Devices, incident.Network, incident.DevicesAtAddress}},
	} {
		origin, browser := inBrowser(c.address)
		o := incident.Observe(c.kind, d, person(t, 1), browser, noon, origin)
		if c.first {
			o = o.AsFirstTime()
		}
		var got []incident.SourceKind
		for _, source := range incident.SourcesOf(d) {
			if source.Weighs(o) {
				got = append(got, source.Kind)
			}
		}
		if !slices.Equal(got, c.want) || o.IsWeighed() != (c.want != nil) {
			t.Errorf("%s: got %v, weighed %t, want %v", name, got, o.IsWeighed(), c.want)
		}
	}
}
