package incident_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

// alikeThere are devices of one name at [server], where people work, too.
var alikeThere = alike.At(server.Network.Addr())

// there has people approve devices of one name at their own address.
func (s *story) there(ago time.Duration, people ...int) *story {
	return s.at(atServer, incident.Approved, ago, people...)
}

func TestWhatIsNoticedAtOneAddress(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		seen     func(s *story)
		released time.Time
		want     bool
	}{
		"two people":                      {func(s *story) { s.there(0, 1, 2) }, time.Time{}, false},
		"three people":                    {func(s *story) { s.there(0, 1, 2, 3) }, time.Time{}, true},
		"one person often":                {func(s *story) { s.there(0, 1, 1, 1, 1) }, time.Time{}, false},
		"three people beside it":          {func(s *story) { s.at(desk, incident.Approved, 0, 1, 2, 3) }, time.Time{}, false},
		"three people behind a proxy":     {func(s *story) { s.at(atGateway, incident.Approved, 0, 1, 2, 3) }, time.Time{}, false},
		"three people elsewhere":          {func(s *story) { s.there(0, 1, 2, 3).elsewhere(3) }, time.Time{}, false},
		"two, and one beside it":          {func(s *story) { s.there(0, 1, 2).at(desk, incident.Approved, 0, 3) }, time.Time{}, false},
		"observations without addresses":  {func(s *story) { s.near(1, 2, 3) }, time.Time{}, false},
		"one, and a report of another":    {func(s *story) { s.there(0, 1).at(atServer, incident.Reported, 0, 2) }, time.Time{}, true},
		"one who takes the approval back": {func(s *story) { s.there(0, 1).at(atServer, incident.Reported, 0, 1) }, time.Time{}, false},
		"a report alone":                  {func(s *story) { s.at(atServer, incident.Reported, 0, 2) }, time.Time{}, false},
		"one a day":                       {func(s *story) { s.there(50*time.Hour, 1).there(25*time.Hour, 2).there(0, 3) }, time.Time{}, true},
		"three, long ago":                 {func(s *story) { s.there(25*time.Hour, 1, 2, 3) }, time.Time{}, false},
		"three of before, again":          {func(s *story) { s.there(25*time.Hour, 1, 2, 3).there(0, 1, 2, 3) }, time.Time{}, false},
		"where one came back":             {func(s *story) { s.there(25*time.Hour, 1).there(0, 1, 2, 3, 4) }, time.Time{}, true},
		"where two came back":             {func(s *story) { s.there(25*time.Hour, 1, 2).there(0, 1, 2, 3, 4, 5, 6, 7) }, time.Time{}, false},
		"where two came back long ago": {func(s *story) {
			s.there(9*day, 1, 2).there(7*day, 1, 2).there(0, 3, 4, 5)
		}, time.Time{}, false},
		"just after a release":      {func(s *story) { s.there(0, 1, 2, 3, 4) }, noon.Add(-time.Hour), false},
		"long after a release":      {func(s *story) { s.there(0, 1, 2, 3) }, noon.Add(-2 * day), true},
		"what two released usually": {func(s *story) { s.there(3*day, 1, 2).there(0, 3, 4, 5) }, noon.Add(-2 * day), false},
		"what one had before it":    {func(s *story) { s.there(3*day, 1).there(0, 3, 4, 5) }, noon.Add(-2 * day), true},
		"in an exempt network":      {func(s *story) { s.there(0, 1, 2, 3).exempted() }, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t}
			c.seen(s)
			r := rules
			r.Exempt = exempt
			seen := slices.Clone(s.seen)
			got := r.Assess(alikeThere, false, s.seen, incident.Past{Released: c.released}, noon)
			if got.Suspected() != c.want {
				t.Errorf("got %s, want suspected %t", got, c.want)
			}
			if !slices.Equal(s.seen, seen) {
				t.Error("got the observations changed, want them as they were")
			}
			r.People = 0
			if got := r.Assess(alikeThere, false, s.seen, incident.Past{Released: c.released}, noon); got.Suspected() {
				t.Errorf("without a threshold: got %s, want nothing", got)
			}
		})
	}
}

func TestOneDeviceNameIsASignalFromTheThresholdOn(t *testing.T) {
	for people, want := range map[int][]incident.Signal{2: nil, 3: {incident.OneDeviceName}, 4: {incident.OneDeviceName}} {
		s := (&story{t: t}).there(0, upTo(people)...)
		if got := rules.Weigh(alikeThere, false, s.seen, s.seen[people-1].ID, incident.Past{}, noon); !slices.Equal(got.Signals, want) || got.IsNews() != (want != nil) {
			t.Errorf("%d people: got %v, news %t, want %v", people, got.Signals, got.IsNews(), want)
		}
	}
	s := (&story{t: t}).there(0, 1, 2, 3, 3)
	if got := rules.Weigh(alikeThere, false, s.seen, s.seen[3].ID, incident.Past{}, noon); got.IsNews() {
		t.Errorf("a person again: got %v, want no news", got.Signals)
	}
}

// What is only noticed holds nothing before an administrator contains all of it, and
// then for as long as the containment says: further people prolong it no more than
// honest ones could.
func TestOneNameAtAnAddressIsHeldByAdministratorsAlone(t *testing.T) {
	s := (&story{t: t}).there(0, 1, 2, 3)
	why := s.assess(alikeThere)
	i, _ := rules.Notice(alikeThere, why, uid.New(noon), noon)
	state := func(at time.Time, want incident.State) {
		t.Helper()
		if got := i.State(at); got != want || i.Holds(at) != (want == incident.Held) {
			t.Errorf("got %s, holds %t, want %s", got, i.Holds(at), want)
		}
	}
	extend := func(at time.Time) {
		t.Helper()
		if _, err := rules.Extend(i, why, at); err != nil {
			t.Fatal(err)
		}
	}
	contain := func(partly bool, at time.Time) {
		t.Helper()
		if _, err := rules.Contain(i, ops, partly, "", at, request.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	state(noon, incident.Noticed)
	state(noon.Add(rules.Window-1), incident.Noticed)
	state(noon.Add(rules.Window), incident.Over)
	extend(noon.Add(time.Hour))
	state(noon.Add(rules.Window), incident.Noticed)

	contain(true, noon.Add(2*time.Hour))
	state(noon.Add(2*time.Hour), incident.Noticed)
	extend(noon.Add(3 * time.Hour))
	state(noon.Add(3*time.Hour), incident.Noticed)
	if !i.Snapshot().Partly {
		t.Error("got a containment of certain people forgotten, want it kept")
	}

	contained := noon.Add(4 * time.Hour)
	contain(false, contained)
	state(contained, incident.Held)
	contain(true, contained.Add(time.Minute))
	extend(contained.Add(rules.Hold - 1))
	state(contained.Add(rules.Hold-1), incident.Held)
	state(contained.Add(rules.Hold), incident.Over)

	extend(contained.Add(rules.Hold))
	state(contained.Add(rules.Hold), incident.Noticed)
	contain(false, contained.Add(2*rules.Hold))
	state(contained.Add(2*rules.Hold), incident.Held)
	if _, err := i.Release(ops, contained.Add(2*rules.Hold), request.Origin{}); err != nil {
		t.Fatal(err)
	}
	state(contained.Add(2*rules.Hold), incident.Released)
}

// Once it is contained, approvals at the address wait; people who used the name there
// before do not.
func TestWhomAContainedNameConcerns(t *testing.T) {
	seen := (&story{t: t}).there(25*time.Hour, 9).there(0, 1, 2, 3).seen
	i, _ := rules.Notice(alikeThere, rules.Assess(alikeThere, false, seen, incident.Past{}, noon), uid.New(noon), noon)
	if _, err := rules.Contain(i, ops, false, "", noon, request.Origin{}); err != nil {
		t.Fatal(err)
	}
	d := device.Snapshot{DecidedAt: noon.Add(time.Minute), ExpiresAt: noon.Add(15 * time.Minute)}
	for n, want := range map[int]bool{9: true, 1: false, 5: false} {
		o := (&story{t: t}).there(-time.Minute, n).seen[0]
		if got := rules.MayRedeemAfter(i, d, o, append(slices.Clone(seen), o), incident.Past{}, d.DecidedAt); got != want {
			t.Errorf("person %d, at once: got redeemed %t, want %t", n, got, want)
		}
		if !rules.MayRedeemAfter(i, d, o, append(slices.Clone(seen), o), incident.Past{}, d.DecidedAt.Add(rules.Wait)) {
			t.Errorf("person %d, after the wait: got no redemption, want one", n)
		}
	}
	if alikeThere.Spares(incident.Near) || !alike.Spares(incident.Near) || !server.Spares(incident.Near) || network.Spares(incident.Unknown) || network.Spares(incident.Far) {
		t.Error("got people near concerned by another source, or spared by this one, or people elsewhere spared")
	}
}

func TestOneNameAtAnAddressIsASourceOfItsOwn(t *testing.T) {
	d := device.Snapshot{ClientID: alike.ClientID, Label: alike.Label, UserAgent: alike.UserAgent, RequestedFrom: netip.MustParseAddr("::ffff:192.0.2.250")}
	sources := incident.SourcesOf(d)
	if !slices.Contains(sources, alikeThere) || sources[len(sources)-1].Kind != incident.FirstTime {
		t.Errorf("got %v, want %s among them, and first connections last", sources, alikeThere)
	}
	if alikeThere.Anywhere() != alike {
		t.Errorf("got %s anywhere, want %s", alikeThere.Anywhere(), alike)
	}
	if got, want := alikeThere.String(), alike.String()+" at 192.0.2.250"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	unlike := alike
	unlike.Label = "another"
	keys := map[string]incident.Source{}
	for _, s := range []incident.Source{alike, server, network, alikeThere, unlike.At(server.Network.Addr()), alike.At(gateway)} {
		if other, taken := keys[s.Key()]; taken {
			t.Errorf("got one key for %s and %s, want one each", s, other)
		}
		keys[s.Key()] = s
	}
	d.RequestedFrom = netip.Addr{}
	if got := incident.SourcesOf(d); len(got) != 2 {
		t.Errorf("without an address: got %v, want devices alike and first connections", got)
	}
	mixed := alikeThere
	mixed.Network = network.Network
	for name, source := range map[string]incident.Source{"a network": mixed, "no client": {Kind: incident.DevicesAtAddress, Network: server.Network}} {
		if _, err := incident.Restore(incident.Snapshot{ID: uid.New(noon), Source: source, NoticedAt: noon, HeldUntil: noon}); err == nil {
			t.Errorf("%s: got an incident of %+v, want it refused", name, source)
		}
	}
	if _, err := incident.Restore(incident.Snapshot{ID: uid.New(noon), Source: alikeThere, NoticedAt: noon, HeldUntil: noon}); err != nil {
		t.Errorf("got %v, want an incident of %+v", err, alikeThere)
	}
}
