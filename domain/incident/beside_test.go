package incident_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

var (
	server  = incident.AddressOf(netip.MustParseAddr("192.0.2.250"))
	gateway = netip.MustParseAddr("192.0.2.1")
)

// desk is the address of a person's own machine in [network].
func desk(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + n)}) }

// at has people do something in browsers at addresses about devices at [server].
func (s *story) at(browser func(n int) netip.Addr, what incident.ObservationKind, ago time.Duration, people ...int) *story {
	for _, n := range people {
		s.add(what, n, incident.Near, ago)
		last := &s.seen[len(s.seen)-1]
		last.DeviceAddress, last.BrowserAddress = server.Network.Addr(), browser(n)
	}
	return s
}

func (s *story) beside(people ...int) *story {
	return s.at(desk, incident.Opened, time.Minute, people...)
}

func atServer(int) netip.Addr { return server.Network.Addr() }

func atGateway(int) netip.Addr { return gateway }

func TestWhatHoldsAnAddress(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		seen     func(s *story)
		released time.Time
		want     bool
	}{
		"two people beside it":                {func(s *story) { s.beside(1, 2) }, time.Time{}, false},
		"three people beside it":              {func(s *story) { s.beside(1, 2, 3) }, time.Time{}, true},
		"one person often":                    {func(s *story) { s.beside(1, 1, 1, 1) }, time.Time{}, false},
		"three who use it themselves, too":    {func(s *story) { s.at(atServer, incident.Approved, time.Hour, 9).beside(1, 2, 3) }, time.Time{}, true},
		"three at its own address":            {func(s *story) { s.at(atServer, incident.Approved, 0, 1, 2, 3, 4) }, time.Time{}, false},
		"where several work at the address":   {func(s *story) { s.at(atServer, incident.Approved, 0, 7, 8, 9).beside(1, 2, 3) }, time.Time{}, false},
		"browsers behind one proxy":           {func(s *story) { s.at(atGateway, incident.Opened, 0, 1, 2, 3, 4, 5) }, time.Time{}, false},
		"browsers behind one, and two beside": {func(s *story) { s.at(atGateway, incident.Opened, 0, 5, 6, 7).beside(1, 2) }, time.Time{}, false},
		"an address of two people on two days": {func(s *story) {
			s.at(desk, incident.Approved, 3*day, 1)
			s.seen[0].Person = person(s.t, 77)
			s.beside(1, 2, 3)
		}, time.Time{}, true},
		"devices at three addresses": {func(s *story) {
			s.beside(1, 2, 3)
			for i := range s.seen {
				s.seen[i].DeviceAddress = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			}
		}, time.Time{}, false},
		"people in other networks":          {func(s *story) { s.beside(1, 2, 3).elsewhere(3) }, time.Time{}, false},
		"two, and one in another network":   {func(s *story) { s.beside(1, 2, 3).elsewhere(1) }, time.Time{}, false},
		"observations of before addresses":  {func(s *story) { s.near(1, 2, 3) }, time.Time{}, false},
		"one, and a report of another":      {func(s *story) { s.beside(1).at(desk, incident.Reported, 0, 2) }, time.Time{}, true},
		"a report alone":                    {func(s *story) { s.at(desk, incident.Reported, 0, 1, 2) }, time.Time{}, false},
		"two reports, and a person":         {func(s *story) { s.at(desk, incident.Reported, 0, 1, 2).beside(3) }, time.Time{}, true},
		"two for one code":                  {func(s *story) { s.beside(1, 2).sameCode(2) }, time.Time{}, true},
		"people of yesterday, again":        {func(s *story) { s.at(desk, incident.Approved, 25*time.Hour, 1, 2, 3).beside(1, 2, 3) }, time.Time{}, false},
		"people of yesterday, and new ones": {func(s *story) { s.back(1, 2, 3).beside(4, 5, 6) }, time.Time{}, false},
		"many new ones":                     {func(s *story) { s.back(1, 2, 3).beside(4, 5, 6, 7, 8, 9) }, time.Time{}, true},
		"one a day": {func(s *story) {
			s.at(desk, incident.Approved, 50*time.Hour, 1).at(desk, incident.Approved, 25*time.Hour, 2).beside(3)
		}, time.Time{}, true},
		"one a day, by a colleague at it": {func(s *story) {
			s.at(atServer, incident.Approved, 9*day, 9).at(desk, incident.Approved, 2*day, 1, 2).beside(3)
		}, time.Time{}, true},
		"one a day, and they come again":     {func(s *story) { s.back(1, 2).beside(3) }, time.Time{}, false},
		"after a release":                    {func(s *story) { s.at(desk, incident.Approved, 2*time.Hour, 1, 2, 3).beside(1, 2, 3, 4, 5) }, noon.Add(-time.Hour), false},
		"after a release, as many again new": {func(s *story) { s.at(desk, incident.Opened, 2*time.Hour, 1, 2, 3).beside(4, 5, 6) }, noon.Add(-time.Hour), true},
		"in an exempt network":               {func(s *story) { s.beside(1, 2, 3).exempted() }, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t}
			c.seen(s)
			r := rules
			r.Exempt = exempt
			past := incident.Past{Released: c.released}
			if got := r.Assess(server, false, s.seen, past, noon); got.Suspected() != c.want {
				t.Errorf("got %s, want suspected %t", got, c.want)
			}
			if got := r.Assess(network, false, s.seen, past, noon); got.Suspected() && len(got.Reporters) < 2 && !isFar(s) {
				t.Errorf("got the network suspected: %s, want people beside a device to be near", got)
			}
		})
	}
}

func isFar(s *story) bool {
	return slices.ContainsFunc(s.seen, func(o incident.Observation) bool { return o.Where == incident.Far })
}

// back has people approve two days ago, and again a day later.
func (s *story) back(people ...int) *story {
	return s.at(desk, incident.Approved, 50*time.Hour, people...).at(desk, incident.Approved, 25*time.Hour, people...)
}

// exempted moves all that was seen into a network below exempt.
func (s *story) exempted() *story {
	for i := range s.seen {
		s.seen[i].Network = netip.MustParsePrefix("198.18.0.0/24")
	}
	return s
}

var exempt = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16")}

// elsewhere puts the people of the last observations into other networks.
func (s *story) elsewhere(last int) *story {
	for i := range last {
		o := &s.seen[len(s.seen)-1-i]
		o.Where, o.BrowserAddress = incident.Far, netip.MustParseAddr("10.1.0.7")
	}
	return s
}

func TestWhoIsBesideADevice(t *testing.T) {
	ip := netip.MustParseAddr
	for _, c := range []struct {
		device, browser, signedIn string
		hidden, want              bool
	}{
		{"192.0.2.7", "192.0.2.7", "192.0.2.7", false, false},
		{"192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7", false, false},
		{"192.0.2.7", "192.0.2.9", "192.0.2.9", false, true},
		{"192.0.2.7", "192.0.2.7", "192.0.2.9", false, true}, // relayed by the device
		{"192.0.2.7", "192.0.2.9", "192.0.2.7", false, true},
		{"192.0.2.7", "192.0.2.9", "10.1.0.7", false, false}, // far
		{"192.0.2.7", "10.1.0.7", "10.1.0.7", false, false},
		{"192.0.2.7", "192.0.2.9", "192.0.2.9", true, false},
		{"2001:db8:1::7", "2001:db8:1::7", "2001:db8:1::7", false, false},
		{"2001:db8:1::7", "2001:db8:1:2::7", "2001:db8:1:2::7", false, true},
	} {
		d := device.Snapshot{ID: uid.New(noon), ClientID: "difyctl", RequestedFrom: ip(c.device)}
		from := request.Origin{IP: ip(c.browser), BehindUnknownProxy: c.hidden}
		o := incident.Observe(incident.Opened, d, person(t, 1), incident.Browser{SignedInFrom: ip(c.signedIn)}, noon, from)
		if o.IsBeside() != c.want {
			t.Errorf("%+v: got beside %t, want %t", c, o.IsBeside(), c.want)
		}
		if want := incident.Far; c.want && (incident.AddressOf(ip(c.device)).WhereaboutsOf(o) != want || network.WhereaboutsOf(o) != incident.Near) {
			t.Errorf("%+v: got %s of the address and %s of the network, want %s and near", c, incident.AddressOf(ip(c.device)).WhereaboutsOf(o), network.WhereaboutsOf(o), want)
		}
	}
}

func TestWhomAHeldAddressConcerns(t *testing.T) {
	seen := (&story{t: t}).at(atServer, incident.Approved, 0, 8).at(desk, incident.Approved, 25*time.Hour, 9).at(atGateway, incident.Approved, time.Hour, 7).beside(1, 2, 3).seen
	one := func(n int, browser netip.Addr, where incident.Whereabouts) incident.Observation {
		return incident.Observation{
			Kind: incident.Approved, At: noon, Person: person(t, n), Network: network.Network, Where: where,
			DeviceAddress: server.Network.Addr(), BrowserAddress: browser,
		}
	}
	why := rules.Assess(server, false, seen, incident.Past{}, noon)
	i, _ := rules.Notice(server, why, uid.New(noon), noon)
	for name, c := range map[string]struct {
		o    incident.Observation
		want bool
	}{
		"a victim":                        {one(3, desk(3), incident.Near), true},
		"a person not seen yet":           {one(4, desk(4), incident.Near), true},
		"a person in another network":     {one(5, netip.MustParseAddr("10.1.0.7"), incident.Far), true},
		"a person behind a proxy":         {one(5, gateway, incident.Near), false},
		"the first one behind that proxy": {one(7, gateway, incident.Near), true}, // it may be that person's own
		"a person at home there":          {one(9, desk(9), incident.Near), false},
		"a person who works there":        {one(8, desk(8), incident.Near), false},
		"a person who has another's desk": {one(4, desk(3), incident.Near), false},
	} {
		if got := !rules.IsUnconcerned(server, c.o, seen, incident.Past{}, noon); got != c.want {
			t.Errorf("%s: got concerned %t, want %t", name, got, c.want)
		}
		d := device.Snapshot{DecidedAt: noon, ExpiresAt: noon.Add(15 * time.Minute), Subject: c.o.Person}
		if got := !rules.MayRedeemAfter(i, d, c.o, seen, incident.Past{}, noon); got != c.want {
			t.Errorf("%s: got that the redemption waits %t, want %t", name, got, c.want)
		}
	}
}

// Of an address that was contained as a whole nothing is redeemed. A report alone
// locks nobody out, because others may use it.
func TestWhatAHeldAddressMakesWait(t *testing.T) {
	d := device.Snapshot{DecidedAt: noon, ExpiresAt: noon.Add(15 * time.Minute)}
	for name, c := range map[string]struct {
		change func(*incident.Snapshot)
		after  time.Duration
		want   bool
	}{
		"at once":             {func(*incident.Snapshot) {}, 0, false},
		"after the wait":      {func(*incident.Snapshot) {}, rules.Wait, true},
		"reported":            {func(s *incident.Snapshot) { s.Reported = true }, rules.Wait, true},
		"contained":           {func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy = noon, "ops" }, 14 * time.Minute, false},
		"contained in part":   {func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy, s.Partly = noon, "ops", true }, rules.Wait, true},
		"no longer held":      {func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy = noon, "ops" }, 2 * time.Hour, true},
		"contained, released": {func(s *incident.Snapshot) { s.ReleasedAt, s.ReleasedBy = noon, "ops" }, 0, true},
	} {
		s := incident.Snapshot{ID: uid.New(noon), Source: server, NoticedAt: noon, HeldUntil: noon.Add(rules.Hold)}
		c.change(&s)
		i, err := incident.Restore(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.MayRedeem(i, d, false, noon.Add(c.after)); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
	for name, source := range map[string]incident.Source{
		"a network":         {Kind: incident.Address, Network: network.Network},
		"no address":        {Kind: incident.Address},
		"a mapped address":  {Kind: incident.Address, Network: netip.MustParsePrefix("::ffff:192.0.2.7/128")},
		"with other fields": {Kind: incident.Address, Network: server.Network, ClientID: "difyctl"},
	} {
		if _, err := incident.Restore(incident.Snapshot{ID: uid.New(noon), Source: source, NoticedAt: noon, HeldUntil: noon}); err == nil {
			t.Errorf("%s: got an incident of %+v, want it refused", name, source)
		}
	}
}

// Whatever people do at the device's own address, behind a shared one, or in other
// networks, no address is held by it; and one more person beside it never makes it less
// suspect.
func TestOnlyPeopleBesideAnAddressHoldIt(t *testing.T) {
	places := []func(int) netip.Addr{atServer, atGateway, desk}
	rapid.Check(t, func(r *rapid.T) {
		s := &story{t: t}
		s.at(atGateway, incident.Approved, time.Minute, 98, 99) // the gateway is shared
		for range rapid.IntRange(0, 30).Draw(r, "observations") {
			what := rapid.SampledFrom([]incident.ObservationKind{incident.Opened, incident.Approved}).Draw(r, "what")
			place := rapid.IntRange(0, 2).Draw(r, "place")
			s.at(places[place], what, time.Minute, rapid.IntRange(1, 9).Draw(r, "person"))
			if place == 2 {
				s.elsewhere(1)
			}
		}
		if got := s.assess(server); got.Suspected() {
			r.Fatalf("got %s, want nothing", got)
		}
		before := s.assess(server).Points
		for n := range 9 {
			s.beside(10 + n)
			after := s.assess(server)
			if after.Points < before {
				r.Fatalf("got %d points after %d, want as many at least", after.Points, before)
			}
			before = after.Points
		}
	})
}

func TestAnAddressIsASourceOfItsOwn(t *testing.T) {
	d := device.Snapshot{ClientID: "difyctl", RequestedFrom: netip.MustParseAddr("::ffff:192.0.2.7")}
	of := incident.AddressOf(netip.MustParseAddr("192.0.2.7"))
	if got := incident.SourcesOf(d); !slices.Contains(got, of) || of.String() != "192.0.2.7" {
		t.Errorf("got %v, want %s among them", got, of)
	}
	if of.Key() == (incident.Source{Kind: incident.Network, Network: incident.NetworkOf(d.RequestedFrom)}).Key() || incident.AddressOf(netip.Addr{}) != (incident.Source{}) {
		t.Error("got the key of the network, or a source of no address")
	}
	s := (&story{t: t}).beside(1, 2)
	if got := rules.Weigh(of, false, s.seen, s.seen[1].ID, incident.Past{}, noon).Signals; len(got) != 0 {
		t.Errorf("at another address: got %v, want no signal", got)
	}
	if got := rules.Weigh(server, false, s.seen, s.seen[1].ID, incident.Past{}, noon).Signals; !slices.Equal(got, []incident.Signal{incident.SeveralPeople}) {
		t.Errorf("the second person: got %v, want several_people", got)
	}
	if people := rules.Assess(server, false, s.seen, incident.Past{}, noon).People; !slices.Equal(people, []identity.Subject{person(t, 1), person(t, 2)}) {
		t.Errorf("got the people %v, want both", people)
	}
}
