package incident_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

var (
	noon    = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	network = incident.Source{Kind: incident.Network, Network: netip.MustParsePrefix("192.0.2.0/24")}
	rules   = incident.DefaultRules
)

func person(t testing.TB, n int) identity.Subject {
	t.Helper()
	email, err := identity.ParseEmail(fmt.Sprintf("p%d@acme.example", n))
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSubject(email, "https://idp.example", "id")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// story lists what was observed, each of another authorization and browser.
type story struct {
	t    testing.TB
	seen []incident.Observation
}

func (s *story) add(kind incident.ObservationKind, n int, where incident.Whereabouts, ago time.Duration) *story {
	o := incident.Observation{ID: uid.New(noon), Kind: kind, At: noon.Add(-ago), Authorization: uid.New(noon), Network: network.Network, Where: where}
	if n > 0 {
		o.Person, o.Browser = person(s.t, n), secret.Random("", 9).Digest()
	}
	s.seen = append(s.seen, o)
	return s
}

func (s *story) opened(people ...int) *story {
	for _, n := range people {
		s.add(incident.Opened, n, incident.Far, time.Minute)
	}
	return s
}

// sameCode makes the last observations ones of the same authorization.
func (s *story) sameCode(last int) *story {
	for i := range last {
		s.seen[len(s.seen)-1-i].Authorization = s.seen[len(s.seen)-1].Authorization
	}
	return s
}

func (s *story) assess(source incident.Source) incident.Assessment {
	return rules.Assess(source, false, s.seen, incident.Past{}, noon)
}

func TestWhatHoldsASource(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		seen func(s *story)
		want bool
	}{
		"nothing":                                      {func(*story) {}, false},
		"two people from elsewhere":                    {func(s *story) { s.opened(1, 2) }, false},
		"three people from elsewhere":                  {func(s *story) { s.opened(1, 2, 3) }, true},
		"one person often":                             {func(s *story) { s.opened(1, 1, 1, 1, 1, 1) }, false},
		"two people for one code":                      {func(s *story) { s.opened(1, 2).sameCode(2) }, true},
		"one person for one code in two":               {func(s *story) { s.opened(1, 1).sameCode(2) }, false},
		"a victim, and a report":                       {func(s *story) { s.opened(1).add(incident.Reported, 2, incident.Far, 0) }, true},
		"a victim, and one who took the approval back": {func(s *story) { s.near(1).reported(1).opened(2) }, true},
		"a victim who reports":                         {func(s *story) { s.opened(1).add(incident.Reported, 1, incident.Far, 0) }, false},
		"two reports": {func(s *story) {
			s.add(incident.Reported, 1, incident.Near, 0).add(incident.Reported, 2, incident.Far, 0)
		}, true},
		"two victims, and all that is little":    {func(s *story) { s.opened(1, 2).little() }, true},
		"two codes of two people each, at home":  {func(s *story) { s.near(9).opened(1, 2).sameCode(2) }, false},
		"two codes of the same two people":       {func(s *story) { s.near(9).opened(1, 2).sameCode(2).opened(1, 2).sameCode(2) }, true},
		"all that a stranger can cause":          {func(s *story) { s.little().little().little() }, false},
		"one victim, and all that is little":     {func(s *story) { s.opened(1).little().little() }, false},
		"three people from the device's network": {func(s *story) { s.near(1, 2, 3, 4, 5) }, false},
		"three people behind an unknown proxy":   {func(s *story) { s.unknown(1, 2, 3, 4, 5) }, false},
		"three people, long ago":                 {func(s *story) { s.ago(25*time.Hour, 1, 2, 3) }, false},
		"three, a day after each other":          {func(s *story) { s.ago(50*time.Hour, 1).ago(25*time.Hour, 2).opened(3) }, true},
		"three, a week after each other":         {func(s *story) { s.ago(14*day, 1).ago(7*day, 2).opened(3) }, true},
		"one a day, whose second reports":        {func(s *story) { s.ago(50*time.Hour, 1, 2).reported(2).opened(3) }, true},
		"one a day, and some come again":         {func(s *story) { s.ago(50*time.Hour, 1, 2).ago(25*time.Hour, 1).opened(3, 4) }, false},
		"one a day, in an office": {func(s *story) {
			s.each(incident.Approved, incident.Near, 9*day, upTo(9)).ago(50*time.Hour, 11, 12).opened(13)
		}, false},
		"three, where many were near weeks ago":  {func(s *story) { s.each(incident.Approved, incident.Near, 9*day, upTo(9)).opened(11, 12, 13) }, true},
		"three, where many are near":             {func(s *story) { s.near(upTo(9)...).opened(11, 12, 13) }, false},
		"three who approved long ago, again":     {func(s *story) { s.ago(25*time.Hour, 1, 2, 3).opened(1, 2, 3) }, false},
		"an office, and two with telephones":     {func(s *story) { s.near(1, 2, 3).opened(1, 2, 3, 4, 5) }, false},
		"an office, and many from elsewhere":     {func(s *story) { s.near(1, 2).opened(3, 4, 5, 6, 7) }, true},
		"an office with a report":                {func(s *story) { s.near(1, 2, 3, 4, 5, 6).reported(7) }, false},
		"an office with two reports":             {func(s *story) { s.near(1, 2, 3, 4, 5, 6).reported(7, 8) }, true},
		"one report twice":                       {func(s *story) { s.near(1, 2, 3).reported(7, 7) }, false},
		"two victims, and a poll from elsewhere": {func(s *story) { s.opened(1, 2).add(incident.PolledElsewhere, 0, "", 0).sameCode(2) }, true},
		"two victims, and a poll of another":     {func(s *story) { s.opened(1, 2).add(incident.PolledElsewhere, 0, "", 0) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t}
			c.seen(s)
			if got := s.assess(network); got.Suspected() != c.want {
				t.Errorf("got %s, want suspected %t", got, c.want)
			}
		})
	}
}

func (s *story) little() *story {
	return s.add(incident.PolledElsewhere, 0, "", 0).add(incident.Burst, 0, "", 0).add(incident.Hasty, 1, incident.Far, 0)
}

func (s *story) near(people ...int) *story {
	return s.each(incident.Approved, incident.Near, time.Minute, people)
}

func (s *story) unknown(people ...int) *story {
	return s.each(incident.Opened, incident.Unknown, time.Minute, people)
}

func (s *story) ago(ago time.Duration, people ...int) *story {
	return s.each(incident.Approved, incident.Far, ago, people)
}

func (s *story) reported(people ...int) *story {
	return s.each(incident.Reported, incident.Far, 0, people)
}

func (s *story) each(kind incident.ObservationKind, where incident.Whereabouts, ago time.Duration, people []int) *story {
	for _, n := range people {
		s.add(kind, n, where, ago)
	}
	return s
}

func TestDevicesAlikeAreSuspectedInSeveralNetworksOnly(t *testing.T) {
	s := (&story{t: t}).opened(1, 2, 3)
	if got := s.assess(alike); got.Suspected() {
		t.Errorf("in one network: got %s, want nothing: it is the network's matter", got)
	}
	s.seen[0].Network = netip.MustParsePrefix("2001:db8:1::/48")
	if got := s.assess(alike); !got.Suspected() {
		t.Errorf("in two networks: got %s, want suspected", got)
	}
	if got := rules.Assess(alike, true, s.seen, incident.Past{}, noon); got.Suspected() {
		t.Errorf("without a label of their own: got %s, want nothing yet", got)
	}
	s.opened(4, 5, 6)
	if got := rules.Assess(alike, true, s.seen, incident.Past{}, noon); !got.Suspected() {
		t.Errorf("six people: got %s, want suspected", got)
	}
}

// far are first connections of people elsewhere, each in a network of its own.
func (s *story) far(ago time.Duration, people ...int) *story {
	for _, n := range people {
		s.add(incident.Opened, n, incident.Far, ago)
		last := &s.seen[len(s.seen)-1]
		last.Network = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n), byte(ago / time.Hour), 0}), 24)
		last.FirstTime = first.Key()
	}
	return s
}

func TestUnusuallyManyFirstConnectionsAreSuspected(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		seen func(s *story)
		past incident.Past
		want bool
	}{
		"two people":                          {func(s *story) { s.far(0, 1, 2) }, incident.Past{}, false},
		"three people":                        {func(s *story) { s.far(0, 1, 2, 3) }, incident.Past{}, true},
		"three in a day":                      {func(s *story) { s.far(9*time.Hour, 1).far(5*time.Hour, 2).far(0, 3) }, incident.Past{}, true},
		"one person often":                    {func(s *story) { s.far(0, 1, 1, 1, 1) }, incident.Past{}, false},
		"three in one network":                {func(s *story) { s.opened(1, 2, 3) }, incident.Past{}, false},
		"three, after as many on another day": {func(s *story) { s.far(9*day, 1, 2, 3).far(0, 4, 5, 6) }, incident.Past{}, true},
		"three, after a first day of twenty": {func(s *story) {
			s.far(25*time.Hour, upTo(20)...).far(10*time.Minute, 21).far(5*time.Minute, 22).far(0, 23)
		}, incident.Past{}, true},
		"three in a day, of a few a day":       {func(s *story) { s.everyDay(3).far(7*time.Hour, 101).far(4*time.Hour, 102).far(0, 103) }, incident.Past{}, false},
		"three in ten minutes, of a few a day": {func(s *story) { s.everyDay(3).far(10*time.Minute, 101).far(5*time.Minute, 102).far(0, 103) }, incident.Past{}, true},
		"eleven in a day, of a few a day":      {func(s *story) { s.everyDay(3).hourly(11) }, incident.Past{}, true},
		"two in a familiar network": {func(s *story) {
			s.far(2*day, 1, 2).sameNetwork(2).approved(2).far(0, 3, 4, 5).sameNetwork(1)
			s.seen[4].Network = s.seen[1].Network
		}, incident.Past{}, false},
		"two in a network in which one person approved": {func(s *story) {
			s.far(2*day, 1).approved(1).far(0, 3, 4, 5)
			s.seen[3].Network = s.seen[0].Network
		}, incident.Past{}, true},
		"a familiar network of reports": {func(s *story) {
			s.far(2*day, 1, 2).sameNetwork(2).approved(2).far(0, 3, 4, 5).reported(1)
			s.seen[4].Network = s.seen[1].Network
		}, incident.Past{}, true},
		"two people in each of two networks": {func(s *story) {
			s.far(0, 1, 2).sameNetwork(2).far(0, 3, 4).sameNetwork(2)
		}, incident.Past{}, true},
		"many people in one network, and one in another": {func(s *story) {
			s.far(0, upTo(20)...).sameNetwork(20).far(0, 21)
		}, incident.Past{}, true},
		"one person in two networks, and another": {func(s *story) {
			s.far(0, 1, 1).far(time.Hour, 1, 2)
		}, incident.Past{}, false},
		"the people of another day": {func(s *story) { s.ago(9*day, 1, 2, 3).far(0, 1, 2, 3) }, incident.Past{}, false},
		"after a release":           {func(s *story) { s.far(2*time.Hour, 1, 2, 3).far(0, 4, 5, 6) }, incident.Past{Released: noon.Add(-time.Hour)}, false},
		"a day after a release":     {func(s *story) { s.far(27*time.Hour, 1, 2, 3).far(0, 4, 5, 6) }, incident.Past{Released: noon.Add(-25 * time.Hour)}, true},
		"after a containment":       {func(s *story) { s.far(9*day, 1, 2, 3).far(0, 4, 5, 6) }, incident.Past{Contained: noon.Add(-9*day + time.Hour)}, true},
		"two reports, and a person": {func(s *story) { s.far(9*day, 1, 2, 3, 4).far(0, 5, 6).reported(5, 6) }, incident.Past{}, true},
		"a report, and a person":    {func(s *story) { s.far(0, 5, 6).reported(5) }, incident.Past{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t}
			c.seen(s)
			if got := rules.Assess(first, false, s.seen, c.past, noon); got.Suspected() != c.want {
				t.Errorf("got %s, want suspected %t", got, c.want)
			}
		})
	}
	s := (&story{t: t}).far(0, 1, 2, 3, 4)
	off := rules
	off.FirstTime = 0
	if got := off.Assess(first, false, s.seen, incident.Past{}, noon); got.Suspected() {
		t.Errorf("switched off: got %s, want nothing", got)
	}
	signals := rules.Weigh(first, false, s.seen, s.seen[3].ID, incident.Past{}, noon).Signals
	if len(signals) != 1 || signals[0] != incident.ManyFirstTimes {
		t.Errorf("got %v, want many_first_times", signals)
	}
}

func upTo(n int) (people []int) {
	for i := range n {
		people = append(people, i+1)
	}
	return people
}

// everyDay has n people, spread over each day of the weeks before.
func (s *story) everyDay(n int) *story {
	for i := range 28 * n {
		s.far(25*time.Hour+time.Duration(i)*24*time.Hour/time.Duration(n), 200+i)
	}
	return s
}

// hourly has n people, one in each half hour.
func (s *story) hourly(n int) *story {
	for i := range n {
		s.far(time.Duration(i)*30*time.Minute, 100+i)
	}
	return s
}

// sameNetwork makes the last observations ones of the same network.
func (s *story) sameNetwork(last int) *story {
	for i := range last {
		s.seen[len(s.seen)-1-i].Network = s.seen[len(s.seen)-1].Network
	}
	return s
}

func (s *story) approved(last int) *story {
	for i := range last {
		s.seen[len(s.seen)-1-i].Kind = incident.Approved
	}
	return s
}

// What honest people do, independently of each other, is seldom taken for a
// campaign, and three victims within two minutes are, at any time.
func TestIndependentFirstConnectionsAreSeldomSuspected(t *testing.T) {
	const days, after = 60, 30 // what is usual is known after the first ones
	for _, aDay := range []float64{0.5, 1, 3, 10} {
		alarms, missed := 0, 0
		arrivals := rand.New(rand.NewPCG(12, uint64(10*aDay)))
		s, released := &story{t: t}, time.Time{}
		suspected := func(seen []incident.Observation) bool {
			at := seen[len(seen)-1].At
			return rules.Assess(first, false, remembered(seen, at), incident.Past{Released: released}, at).Suspected()
		}
		n := 0
		for day := range days {
			begin := noon.AddDate(0, 0, day)
			if begin.Weekday()%6 == 0 { // Saturday, Sunday
				continue
			}
			for at := begin; ; {
				if at = at.Add(time.Duration(arrivals.ExpFloat64() * float64(8*time.Hour) / aDay)); at.After(begin.Add(8 * time.Hour)) {
					break
				}
				if n++; suspected(s.connects(n, at).seen) {
					released = at
					if day >= after {
						alarms++
					}
				}
			}
			attack := (&story{t: t, seen: slices.Clone(s.seen)})
			for v := range 3 {
				attack.connects(5000+v, begin.Add(8*time.Hour+time.Duration(v)*time.Minute))
			}
			if day >= after && released.Before(begin.Add(-16*time.Hour)) && !suspected(attack.seen) {
				missed++
			}
		}
		t.Logf("%.1f a day: %d false alarms in %d days; campaigns missed: %d", aDay, alarms, days-after, missed)
		if alarms > 3 || missed > 0 {
			t.Errorf("%.1f a day: got %d false alarms in a month and %d campaigns missed, want at most three and none", aDay, alarms, missed)
		}
	}
}

// connects adds a first connection in a network of its own.
func (s *story) connects(n int, at time.Time) *story {
	s.far(0, n)
	last := &s.seen[len(s.seen)-1]
	last.At, last.Network = at, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 0}), 24)
	return s
}

func remembered(seen []incident.Observation, at time.Time) []incident.Observation {
	return slices.DeleteFunc(slices.Clone(seen), func(o incident.Observation) bool { return o.At.Before(at.Add(-incident.Memory)) })
}

func TestAReleaseEndsWhatWasSeenBefore(t *testing.T) {
	s := (&story{t: t}).each(incident.Approved, incident.Far, time.Hour, []int{1, 2, 3})
	after := rules.Assess(network, false, s.seen, incident.Past{Released: noon.Add(-time.Minute)}, noon)
	if after.Suspected() || after.AtHome != 3 || len(after.People) != 0 {
		t.Errorf("got %s, want three people at home", after)
	}
}

func TestThresholdsAreSettings(t *testing.T) {
	s := (&story{t: t}).opened(1, 2, 3, 4)
	off, five := rules, rules
	off.People, five.People = 0, 5
	exempt := rules
	exempt.Exempt = []netip.Prefix{netip.MustParsePrefix("192.0.0.0/16")}
	for name, r := range map[string]incident.Rules{"off": off, "five people": five, "an exempt network": exempt} {
		if got := r.Assess(network, false, s.seen, incident.Past{}, noon); got.Suspected() {
			t.Errorf("%s: got %s, want nothing", name, got)
		}
	}
	five.People = 4
	if got := five.Assess(network, false, s.seen, incident.Past{}, noon); !got.Suspected() {
		t.Errorf("four people: got %s, want suspected", got)
	}
}

// Requests without a sign-in, in any number and order, never hold an honest
// source, and people at home are not suspected.
func TestRequestsWithoutASignInHoldNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := &story{t: t}
		for range rapid.IntRange(0, 60).Draw(r, "observations") {
			ago := time.Duration(rapid.IntRange(0, 40).Draw(r, "hours ago")) * time.Hour
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				s.add(incident.Burst, 0, "", ago)
			case 1:
				s.add(incident.PolledElsewhere, 0, "", ago)
			case 2:
				s.add(incident.Approved, rapid.IntRange(1, 30).Draw(r, "person"), incident.Near, ago)
			case 3:
				s.add(incident.Opened, rapid.IntRange(1, 2).Draw(r, "two with telephones"), incident.Far, ago)
			}
		}
		for _, source := range []incident.Source{network, first} {
			if got := s.assess(source); got.Suspected() {
				r.Fatalf("%s: got %s, want nothing held", source, got)
			}
		}
	})
}

// Another observation of a person not at home never makes a source less
// suspect.
func TestSuspicionGrows(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := &story{t: t}
		before := 0
		for range rapid.IntRange(1, 20).Draw(r, "observations") {
			kind := rapid.SampledFrom([]incident.ObservationKind{incident.Opened, incident.Reported, incident.Hasty, incident.Burst}).Draw(r, "kind")
			s.add(kind, rapid.IntRange(1, 9).Draw(r, "person"), incident.Far, 0)
			after := s.assess(network).Points
			if after < before {
				r.Fatalf("got %d points after %d, want as many at least", after, before)
			}
			before = after
		}
	})
}

func TestANetworkHasPeopleWhoApproveInIt(t *testing.T) {
	for name, c := range map[string]struct {
		seen func(s *story)
		want bool
	}{
		"nothing":                  {func(*story) {}, false},
		"people elsewhere":         {func(s *story) { s.ago(time.Hour, 1, 2) }, false},
		"a person near":            {func(s *story) { s.near(1).ago(time.Hour, 2) }, true},
		"one who reported since":   {func(s *story) { s.near(1).reported(1) }, false},
		"another one who reported": {func(s *story) { s.near(1).reported(2) }, true},
	} {
		s := &story{t: t}
		if c.seen(s); incident.HasPeopleNear(s.seen) != c.want {
			t.Errorf("%s: got %t, want %t", name, !c.want, c.want)
		}
	}
}

func TestWeighingListsWhatIsNew(t *testing.T) {
	s := (&story{t: t}).opened(1)
	weigh := func() []incident.Signal {
		signals := rules.Weigh(network, false, s.seen, s.seen[len(s.seen)-1].ID, incident.Past{}, noon).Signals
		return signals
	}
	if got := weigh(); len(got) != 0 {
		t.Errorf("one person: got %v, want no signal", got)
	}
	s.opened(2)
	if got := weigh(); len(got) != 1 || got[0] != incident.SeveralPeople {
		t.Errorf("a second person: got %v, want several_people", got)
	}
	s.opened(2)
	if got := weigh(); len(got) != 0 {
		t.Errorf("the same person again: got %v, want no signal", got)
	}
	s.opened(3).sameCode(2)
	if got := weigh(); len(got) != 2 || got[1] != incident.SeveralBrowsers {
		t.Errorf("the same code: got %v, want both signals", got)
	}
}

func TestSourcesOfAnAuthorization(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2::9": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
	} {
		if got := incident.NetworkOf(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	d := device.Snapshot{ClientID: "difyctl", Label: "l", UserAgent: "u"}
	if got := incident.SourcesOf(d); len(got) != 2 || got[0].Kind != incident.Devices || got[1] != first {
		t.Errorf("without an address: got %v, want the devices and the first connections", got)
	}
	if one, other := (incident.Source{Kind: incident.Devices, ClientID: "a", Label: "bc"}), (incident.Source{Kind: incident.Devices, ClientID: "ab", Label: "c"}); one.Key() == other.Key() {
		t.Error("got one key for different devices, want two")
	}
}

func TestWhereaboutsOfAPerson(t *testing.T) {
	at := func(ip string) device.Snapshot { return device.Snapshot{RequestedFrom: netip.MustParseAddr(ip)} }
	from := func(ip string) request.Origin { return request.Origin{IP: netip.MustParseAddr(ip)} }
	unknown := netip.Addr{}
	for _, c := range []struct {
		d        device.Snapshot
		by       request.Origin
		signedIn netip.Addr
		want     incident.Whereabouts
	}{
		{at("192.0.2.7"), from("192.0.2.99"), unknown, incident.Unknown}, // a proxy hid the sign-in
		{at("192.0.2.7"), request.Origin{IP: netip.MustParseAddr("192.0.2.99"), BehindUnknownProxy: true}, netip.MustParseAddr("192.0.2.99"), incident.Unknown},
		{at("192.0.2.7"), from("::ffff:192.0.2.99"), netip.MustParseAddr("192.0.2.98"), incident.Near},
		{at("192.0.2.7"), from("192.0.3.7"), unknown, incident.Far},
		{at("2001:db8:1::7"), from("2001:db8:1:ffff::1"), netip.MustParseAddr("2001:db8:1:9::1"), incident.Near},
		{at("2001:db8:1::7"), from("192.0.2.7"), unknown, incident.Far},
		{device.Snapshot{}, from("192.0.2.7"), unknown, incident.Unknown},
		{at("192.0.2.7"), request.Origin{}, unknown, incident.Unknown},
		{at("192.0.2.7"), request.Origin{IP: netip.MustParseAddr("192.0.3.7"), BehindUnknownProxy: true}, unknown, incident.Unknown},
		{at("192.0.2.7"), from("192.0.2.99"), netip.MustParseAddr("192.0.2.3"), incident.Near},
		{at("192.0.2.7"), from("192.0.2.99"), netip.MustParseAddr("192.0.3.3"), incident.Far}, // relayed
		{at("192.0.2.7"), from("192.0.3.99"), netip.MustParseAddr("192.0.2.3"), incident.Far},
		{at("192.0.2.7"), from("192.0.3.99"), unknown, incident.Far},
		{at("192.0.2.7"), request.Origin{IP: netip.MustParseAddr("192.0.2.99"), BehindUnknownProxy: true}, netip.MustParseAddr("192.0.3.3"), incident.Far}, // relayed, by a browser that hides
	} {
		if got := incident.WhereaboutsOf(c.d, c.by, c.signedIn); got != c.want {
			t.Errorf("%v, %v, signed in from %v: got %s, want %s", c.d.RequestedFrom, c.by.IP, c.signedIn, got, c.want)
		}
	}
}
