package application_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

const attacker = "203.0.113.66"

// campaign is a fixture whose people and devices have addresses of their own.
type campaign struct{ *fixture }

func newCampaign(t *testing.T) campaign { return campaign{newFixture(t, applicationtest.Options{})} }

func agent(address, name string) request.Origin {
	return request.Origin{ID: "request-1", IP: netip.MustParseAddr(address), UserAgent: name}
}

func (s campaign) begins(label string, from request.Origin) application.Started {
	s.t.Helper()
	started, err := s.Start.Execute(s.t.Context(), application.Start{ClientID: "difyctl", Label: label, Origin: from})
	must(s.t, err)
	return started
}

// visitor is a person in a browser.
type visitor struct {
	email, address string
	session        approval.GrantSession
	proof          approval.Proof
}

// opens signs a person in for a code, and reads the page.
func (s campaign) opens(code device.UserCode, email, address string) visitor {
	s.t.Helper()
	from := applicationtest.From(address)
	out, err := s.Initiate.Execute(s.t.Context(), application.Initiate{UserCode: code.String(), Connection: "acme", Mount: connection.Canonical, Origin: from})
	must(s.t, err)
	ticket, err := s.acceptFrom(from, s.Broker.Last().RelayState, "ok "+secret.Random("", 9).Reveal()+" "+email)
	must(s.t, err)
	completed, err := s.Complete.Execute(s.t.Context(), ticket, application.Completion{Mount: connection.Canonical, Browser: out.Browser, Origin: from})
	must(s.t, err)
	described, err := s.Describe.Execute(s.t.Context(), completed.Session, code, from)
	must(s.t, err)
	s.Clock.Advance(10 * time.Second) // to read
	return visitor{email, address, completed.Session, approval.Proof{Session: completed.Session, CSRF: described.CSRF}}
}

func (s campaign) approves(code device.UserCode, email, address string) application.Decided {
	s.t.Helper()
	v := s.opens(code, email, address)
	out, err := s.Approve.Execute(s.t.Context(), v.proof, code, applicationtest.From(address))
	must(s.t, err)
	return out
}

// redeems reports whether a device gets its token now.
func (s campaign) redeems(code device.Code, address string) bool {
	s.t.Helper()
	s.Clock.Advance(gap)
	_, err := s.poll(code, address)
	if err != nil {
		is(s.t, err, device.ErrAuthorizationPending)
	}
	return err == nil
}

// victim lets a person at home approve the attacker's code.
func (s campaign) victim(n int, started application.Started) application.Decided {
	s.t.Helper()
	return s.approves(started.UserCode, fmt.Sprintf("victim%d@acme.example", n), fmt.Sprintf("10.%d.0.7", n))
}

func (s campaign) signals(kind incident.Signal) (n int) {
	for _, e := range s.Events(s.t) {
		if e.Event == string(audit.PhishingSuspected) && e.Reason == string(kind) {
			n++
		}
	}
	return n
}

func (s campaign) incidents(want int) {
	s.t.Helper()
	if n := s.Count(s.t, audit.IncidentNoticed); n != want {
		s.t.Errorf("got %d incidents, want %d: %s", n, want, s.History(s.t))
	}
}

func TestACampaignIsNoticedByTheThirdVictim(t *testing.T) {
	for name, attack := range map[string]func(n int) request.Origin{
		"one address":       func(int) request.Origin { return agent(attacker, "x/1") },
		"a hundred":         func(n int) request.Origin { return agent(fmt.Sprintf("203.%d.113.9", n), "x/1") },
		"IPv6 rotation":     func(n int) request.Origin { return agent(fmt.Sprintf("2001:db8:bad:%d::%d", n, n*7), fmt.Sprint(n)) },
		"IPv6 of many nets": func(n int) request.Origin { return agent(fmt.Sprintf("2001:db8:%d::1", n), "x/1") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newCampaign(t)
			got := 0
			for n := range 6 {
				from := attack(n)
				started := s.begins("prod-01", from)
				s.victim(n, started)
				if s.redeems(started.Code, from.IP.String()) {
					got++
				}
			}
			if got != 2 || s.signals(incident.SeveralPeople) < 2 {
				t.Errorf("got %d tokens and %d signals, want those of two victims: %s", got, s.signals(incident.SeveralPeople), s.History(t))
			}
			s.incidents(1)
		})
	}
}

// The codes of an attacker with many networks, whose devices have names of their own,
// have nothing in common but that people elsewhere connect them for the first time.
func TestUnusuallyManyFirstConnectionsAreNoticed(t *testing.T) {
	s := newCampaign(t)
	connected := s.begins("old", agent("198.18.1.7", "difyctl/1"))
	s.approves(connected.UserCode, "ann@acme.example", "198.18.1.9")
	if !s.redeems(connected.Code, "198.18.1.7") {
		t.Fatal("the honest device: got no token, want one")
	}
	for n := range 2 { // a machine room
		s.approves(s.begins(fmt.Sprint("room-", n), agent("198.18.77.7", "difyctl/1")).UserCode, fmt.Sprintf("dan%d@acme.example", n), "10.88.0.7")
	}
	for n := range 2 { // an office
		s.approves(s.begins("desk", agent("198.18.3.7", "difyctl/1")).UserCode, fmt.Sprintf("eve%d@acme.example", n), "198.18.3.9")
	}
	s.Clock.Advance(25 * time.Hour)
	s.approves(s.begins("room-0", agent("198.18.77.7", "difyctl/1")).UserCode, "dan0@acme.example", "10.88.0.7")
	for n := range 4 {
		from := agent(fmt.Sprintf("203.%d.113.9", n), fmt.Sprint("x/", n))
		started := s.begins(fmt.Sprint("laptop-", n*37), from)
		s.victim(n, started)
		if !s.redeems(started.Code, from.IP.String()) {
			t.Errorf("device %d: got no token, want one", n)
		}
		if want := max(0, n-2); s.Count(t, audit.IncidentExtended) != want {
			t.Errorf("after person %d: got %d extensions, want %d", n, s.Count(t, audit.IncidentExtended), want)
		}
	}
	s.incidents(1)
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	if found.Total != 1 || found.Incidents[0].Source.Kind != incident.FirstTime || s.signals(incident.ManyFirstTimes) != 2 {
		t.Errorf("got %+v and %d signals, want one of first connections, and two", found, s.signals(incident.ManyFirstTimes))
	}
	for _, c := range []struct {
		label, device, email, address string
		want                          bool
	}{
		{"new", "198.18.9.7", "carl@acme.example", "10.9.0.7", true},
		{"new", "198.18.9.7", "carl@acme.example", "198.18.9.99", false}, // near
		{"old", "198.18.1.7", "ann@acme.example", "10.77.0.7", false},    // connected before
		{"other", "198.18.2.7", "ann@acme.example", "10.77.0.7", true},
		{"room-9", "198.18.77.7", "carl@acme.example", "10.77.0.7", false}, // a familiar network
		{"other", "198.18.1.7", "ann@acme.example", "10.77.0.7", false},    // where she approved at her desk
		{"other", "198.18.1.7", "carl@acme.example", "10.77.0.7", true},    // where only ann did
		{"other", "198.18.3.7", "carl@acme.example", "10.77.0.7", false},   // where two people did
	} {
		if got := s.isSuspected(c.label, agent(c.device, "difyctl/1"), c.email, c.address); got != c.want {
			t.Errorf("%+v: got suspected %t, want %t", c, got, c.want)
		}
	}
	shown, err := s.ShowIncident.Execute(t.Context(), found.Incidents[0].ID)
	must(t, err)
	people := map[string]bool{}
	for _, d := range shown.Devices {
		people[d.Subject.Email().String()] = true
	}
	if !people["victim0@acme.example"] || !people["victim3@acme.example"] || people["ann@acme.example"] {
		t.Errorf("got the people %v, want the victims", people)
	}
}

// First connections in exempt networks do not count, so a containment of the others
// must not end them.
func TestFirstConnectionsInExemptNetworksAreNotContained(t *testing.T) {
	rules := incident.DefaultRules
	rules.Exempt = []netip.Prefix{netip.MustParsePrefix("198.18.77.0/24")}
	s := campaign{newFixture(t, applicationtest.Options{Rules: &rules})}
	s.approves(s.begins("runner-1", agent("198.18.77.7", "difyctl/1")).UserCode, "ann@acme.example", "10.88.0.7")
	for n := range 3 {
		s.victim(n, s.begins(fmt.Sprint("laptop-", n*37), agent(fmt.Sprintf("203.%d.113.9", n), fmt.Sprint("x/", n))))
	}
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	if found.Total != 1 {
		t.Fatalf("got %d incidents, want 1", found.Total)
	}
	got, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: found.Incidents[0].ID, DryRun: true}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	want := []string{"victim0@acme.example", "victim1@acme.example", "victim2@acme.example"}
	slices.Sort(got.People)
	if !slices.Equal(got.People, want) {
		t.Errorf("got the people %v, want %v", got.People, want)
	}
}

// Most people have connected a device that has no name. It says nothing about
// another one in another network.
func TestADeviceWithoutANameIsKnownOnlyWhereItWasConnected(t *testing.T) {
	s := newCampaign(t)
	desk := agent("198.18.1.7", "difyctl/1")
	for n := range 3 {
		mine := s.begins("", desk)
		s.approves(mine.UserCode, fmt.Sprintf("victim%d@acme.example", n), "198.18.1.9")
		if !s.redeems(mine.Code, "198.18.1.7") {
			t.Fatalf("person %d, near the device: got no token, want one", n)
		}
	}
	s.Clock.Advance(25 * time.Hour)
	for n := range 3 {
		s.victim(n, s.begins("", agent(fmt.Sprintf("203.%d.113.9", n), fmt.Sprint("x/", n))))
	}
	s.incidents(1)
	if s.isSuspected("", desk, "victim0@acme.example", "10.77.0.7") {
		t.Error("got suspected for a device where it was connected before, want nothing")
	}
}

// A release makes what was seen usual.
func TestReleasedFirstConnectionsAreUsual(t *testing.T) {
	s := newCampaign(t)
	connect := func(n int) {
		s.victim(n, s.begins(fmt.Sprint("host-", n), agent(fmt.Sprintf("198.18.%d.7", n), fmt.Sprint("cli/", n))))
	}
	for n := range 3 {
		connect(n)
	}
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	must(t, s.ReleaseIncident.Execute(t.Context(), found.Incidents[0].ID, audit.AdminOf("ops"), request.Origin{}))
	s.Clock.Advance(time.Minute)
	for n := range 5 {
		connect(10 + n)
	}
	s.incidents(1)
	connect(20)
	s.incidents(2)
}

// An attacker whose devices call themselves as an honest one does is contained; the
// honest device elsewhere gets its token all the same, before its code ends.
func TestContainingDevicesAlikeRefusesNoHonestOne(t *testing.T) {
	s := newCampaign(t)
	for n := range 3 {
		s.victim(n, s.begins("runner", agent(fmt.Sprintf("203.%d.113.9", n), "cli/1")))
	}
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	_, err = s.ContainIncident.Execute(t.Context(), application.Containment{Incident: found.Incidents[0].ID}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	honest := s.begins("runner", agent("198.18.7.7", "cli/1"))
	s.approves(honest.UserCode, "honest@acme.example", "10.7.0.7")
	if s.redeems(honest.Code, "198.18.7.7") {
		t.Error("got a token at once, want it to wait")
	}
	s.Clock.Advance(14 * time.Minute)
	if !s.redeems(honest.Code, "198.18.7.7") {
		t.Error("got no token in the last minute of the code, want one")
	}
}

// An attacker's browser begins the sign-in beside the device, and the victim's
// brings the identity provider's answer. It hides nothing to claim a proxy, neither
// for the device nor for the browser.
func TestARelayedSignInIsNotNear(t *testing.T) {
	for name, claim := range map[string]bool{"plainly": false, "claiming a proxy": true} {
		t.Run(name, func(t *testing.T) {
			s := newCampaign(t)
			beside, device := applicationtest.From(attacker), agent(attacker, "x/1")
			beside.BehindUnknownProxy, device.BehindUnknownProxy = claim, claim
			for n := range 3 {
				started := s.begins("", device)
				out, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: started.UserCode.String(), Connection: "acme", Mount: connection.Canonical, Origin: beside})
				must(t, err)
				ticket, err := s.accept(fmt.Sprintf("ok %s victim%d@acme.example", secret.Random("", 9).Reveal(), n)) // from home
				must(t, err)
				completed, err := s.Complete.Execute(t.Context(), ticket, application.Completion{Mount: connection.Canonical, Browser: out.Browser, Origin: beside})
				must(t, err)
				described, err := s.Describe.Execute(t.Context(), completed.Session, started.UserCode, beside)
				must(t, err)
				_, err = s.Approve.Execute(t.Context(), approval.Proof{Session: completed.Session, CSRF: described.CSRF}, started.UserCode, beside)
				must(t, err)
			}
			s.incidents(1)
		})
	}
}

func TestOneCodeForManyIsNoticedByTheSecond(t *testing.T) {
	s := newCampaign(t)
	started := s.begins("prod-01", agent(attacker, "x/1"))
	s.opens(started.UserCode, "one@acme.example", "10.1.0.7")
	s.victim(2, started)
	if s.redeems(started.Code, attacker) {
		t.Error("got a token, want it to wait")
	}
	if s.signals(incident.SeveralBrowsers) != 1 {
		t.Errorf("got %s, want several_browsers once", s.History(t))
	}
}

func TestReportsHoldASource(t *testing.T) {
	s := newCampaign(t)
	from := agent(attacker, "x/1")
	first := s.begins("prod-01", from)
	s.victim(1, first)
	denied := s.begins("prod-02", from)
	v := s.opens(denied.UserCode, "careful@acme.example", "10.2.0.7")
	v.proof.NotRequested = true
	_, err := s.Deny.Execute(t.Context(), v.proof, denied.UserCode, applicationtest.From(v.address))
	must(t, err)
	s.incidents(1)
	if s.redeems(first.Code, attacker) || s.signals(incident.PersonReports) != 1 {
		t.Errorf("got a token or no report, want it to wait: %s", s.History(t))
	}
	if !strings.Contains(s.History(t), "oauth.device_flow_denied(not_requested)") {
		t.Errorf("got %s, want the denial's reason", s.History(t))
	}
}

// A person elsewhere who approves at once has not read the page.
func TestAHastyApprovalFromElsewhereIsASignal(t *testing.T) {
	for name, c := range map[string]struct {
		from    string
		reading bool
		want    int
	}{
		"elsewhere, at once":           {"10.1.0.7", false, 1},
		"elsewhere, after reading":     {"10.1.0.7", true, 0},
		"in the device's own, at once": {attacker, false, 0},
	} {
		s := newCampaign(t)
		started := s.begins("prod-01", agent(attacker, "x/1"))
		if c.reading {
			s.approves(started.UserCode, ann, c.from)
		} else {
			must(t, s.approveBy(started.UserCode, from(c.from)))
		}
		if got := s.signals(incident.HastyDecision); got != c.want {
			t.Errorf("%s: got %d signals, want %d", name, got, c.want)
		}
	}
}

func TestThatWasntMeIsAReport(t *testing.T) {
	s := newCampaign(t)
	started := s.begins("prod-01", agent(attacker, "x/1"))
	out := s.victim(1, started)
	must(t, s.Undo.Execute(t.Context(), out.Undo, applicationtest.From("10.1.0.7")))
	must(t, s.Undo.Execute(t.Context(), out.Undo, applicationtest.From("10.1.0.7")))
	if n := s.signals(incident.PersonReports); n != 1 {
		t.Errorf("got %d reports, want one", n)
	}
}

// A whole office behind one address is noticed once, because its devices have one name,
// and not held; nor do a few approvals with telephones hold it.
func TestAWholeOfficeIsNotHindered(t *testing.T) {
	s := newCampaign(t)
	for n := range 60 {
		email, from := fmt.Sprintf("p%d@acme.example", n), "198.51.100.9"
		browser := from
		if n%10 == 9 {
			browser = fmt.Sprintf("10.%d.0.7", n) // a telephone
		}
		started := s.begins("MacBook Pro", agent(from, "difyctl/1"))
		s.approves(started.UserCode, email, browser)
		if !s.redeems(started.Code, from) {
			t.Errorf("person %d: got no token, want one", n)
		}
		s.Clock.Advance(time.Minute)
	}
	s.incidents(1)
	if got := s.only(incident.DevicesAtAddress); got.State != incident.Noticed {
		t.Errorf("got %s, want it noticed and nothing held", got.State)
	}
}

// only is the incident of the only source of a kind.
func (s campaign) only(kind incident.SourceKind) (only application.DescribedIncident) {
	s.t.Helper()
	found, err := s.ListIncidents.Execute(s.t.Context(), page(s.t))
	must(s.t, err)
	n := 0
	for _, i := range found.Incidents {
		if i.Source.Kind == kind {
			only = i
			n++
		}
	}
	if n != 1 {
		s.t.Fatalf("got %d incidents of %s, want one", n, kind)
	}
	return only
}

// Even if a source is held that an office is in, the people in the office are not
// hindered.
func TestAnOfficeThatIsHeldGoesOn(t *testing.T) {
	s := newCampaign(t)
	from := agent("198.51.100.9", "difyctl/1")
	for n := range 3 { // an attack from inside the office
		s.victim(n, s.begins("prod", from))
	}
	s.incidents(1)
	for n := range 20 {
		started := s.begins(fmt.Sprint("laptop-", n), from)
		s.approves(started.UserCode, fmt.Sprintf("honest%d@acme.example", n), "198.51.100.77")
		if !s.redeems(started.Code, "198.51.100.9") {
			t.Errorf("honest person %d: got no token, want one", n)
		}
	}
}

// Two people who report honest devices of an office, by mistake or not, cost others
// with a telephone a step and a wait, and people at their desks nothing.
func TestReportsStopNoLoginsOfAnOffice(t *testing.T) {
	s := newCampaign(t)
	desk := agent("198.51.100.9", "difyctl/1")
	for n := range 3 {
		s.approves(s.begins("MacBook Pro", desk).UserCode, fmt.Sprintf("p%d@acme.example", n), "198.51.100.9")
	}
	for n := range 2 {
		started := s.begins("MacBook Pro", desk)
		v := s.opens(started.UserCode, fmt.Sprintf("mallory%d@acme.example", n), "198.51.100.9")
		v.proof.NotRequested = true
		_, err := s.Deny.Execute(t.Context(), v.proof, started.UserCode, applicationtest.From(v.address))
		must(t, err)
	}
	s.incidents(2)
	if network, name := s.only(incident.Network), s.only(incident.DevicesAtAddress); network.State != incident.Held || name.State != incident.Noticed {
		t.Errorf("got the network %s and the device name %s, want one held and one noticed", network.State, name.State)
	}
	for _, c := range []struct {
		email, address string
		waits          bool
	}{
		{"p9@acme.example", "198.51.100.9", false}, // at a desk
		{"p1@acme.example", "10.1.0.7", false},     // a telephone of a person at home there
		{"p8@acme.example", "10.8.0.7", true},      // a telephone
	} {
		started := s.begins("MacBook Pro", desk)
		s.approves(started.UserCode, c.email, c.address)
		if got := !s.redeems(started.Code, "198.51.100.9"); got != c.waits {
			t.Errorf("%s at %s: got that it waits %t, want %t", c.email, c.address, got, c.waits)
		}
		s.Clock.Advance(incident.DefaultRules.Wait)
		if c.waits && !s.redeems(started.Code, "198.51.100.9") {
			t.Errorf("%s at %s: got no token after the wait, want one", c.email, c.address)
		}
	}
}

// A build farm starts hundreds of codes from one address, and its few operators
// approve them from elsewhere. A farm that many people use is exempt, or costs them
// a wait on its first day.
func TestABuildFarmIsNotHindered(t *testing.T) {
	s := newCampaign(t)
	for n := range 300 {
		started := s.begins(fmt.Sprint("runner-", n), agent(fmt.Sprintf("192.0.2.%d", n%200), "ci/1"))
		if n%15 == 0 {
			operator := n / 15 % 2
			s.approves(started.UserCode, fmt.Sprintf("op%d@acme.example", operator), fmt.Sprintf("10.%d.0.7", operator))
			if !s.redeems(started.Code, fmt.Sprintf("192.0.2.%d", n%200)) {
				t.Errorf("build %d: got no token, want one", n)
			}
		}
	}
	s.incidents(0)
	if s.signals(incident.ManyStarts) == 0 {
		t.Error("got no signal, want many_starts")
	}
}

func TestAJumpHostWaitsOnItsFirstDayOnly(t *testing.T) {
	s := newCampaign(t)
	day := func() (waits int) {
		for n := range 10 {
			from := agent("192.0.2.5", "difyctl/1")
			started := s.begins("jump", from)
			s.approves(started.UserCode, fmt.Sprintf("p%d@acme.example", n), fmt.Sprintf("10.%d.0.7", n))
			if !s.redeems(started.Code, "192.0.2.5") {
				waits++
				s.Clock.Advance(incident.DefaultRules.Wait)
				if !s.redeems(started.Code, "192.0.2.5") {
					t.Errorf("person %d: got no token after the wait, want one", n)
				}
			}
		}
		return waits
	}
	if waits := day(); waits != 8 {
		t.Errorf("got %d people who waited on the first day, want all but two", waits)
	}
	s.Clock.Advance(25 * time.Hour)
	if waits := day(); waits != 0 {
		t.Errorf("got %d people who waited on the second day, want none", waits)
	}
}

// Requests that open codes, look them up, start and poll do not need a
// sign-in, and none of them holds an honest source.
func TestRequestsWithoutASignInHoldNoOffice(t *testing.T) {
	limits := quota.Configure(6000, 60)
	limits.StartsOfNetwork.Max = 5
	s := campaign{newFixture(t, applicationtest.Options{Limits: &limits})}
	honest := s.begins(laptop, agent(office, "difyctl/1"))
	for n := range 40 {
		from := applicationtest.From(fmt.Sprintf("10.9.%d.7", n))
		_, _ = s.LookUp.Execute(t.Context(), honest.UserCode.String(), from)
		_, _ = s.Initiate.Execute(t.Context(), application.Initiate{UserCode: honest.UserCode.String(), Connection: "acme", Mount: connection.Canonical, Origin: from})
		s.begins(laptop, agent(fmt.Sprintf("198.51.100.%d", n), "difyctl/1")) // with a foot in the office's network
		_, _ = s.poll(device.ParseCode("dc_guess"), from.IP.String())
	}
	_, _ = s.poll(honest.Code, "10.9.1.7")
	s.approves(honest.UserCode, "ann@acme.example", "10.3.0.7") // even by telephone
	if !s.redeems(honest.Code, office) {
		t.Error("the honest device: got no token, want one")
	}
	s.incidents(0)
}

func TestWhoIsSuspected(t *testing.T) {
	s := newCampaign(t)
	from := agent(attacker, "x/1")
	for n := range 3 {
		s.victim(n, s.begins("prod", from))
	}
	suspected := func(email, address string) bool { return s.isSuspected("prod", from, email, address) }
	if !suspected("victim7@acme.example", "10.7.0.7") {
		t.Error("got nothing for a fourth victim, want suspected")
	}
	if suspected("near@acme.example", "203.0.113.200") {
		t.Error("got suspected for a person in the device's network, want nothing")
	}
}

// isSuspected reports whether a person who opens a new code takes one more step.
func (s campaign) isSuspected(label string, device request.Origin, email, address string) (suspected bool) {
	s.t.Helper()
	started := s.begins(label, device)
	v := s.opens(started.UserCode, email, address)
	described, err := s.Describe.Execute(s.t.Context(), v.session, started.UserCode, applicationtest.From(address))
	must(s.t, err)
	held, err := s.HoldChecks.Held(s.t.Context())
	must(s.t, err)
	err = s.Store.View(s.t.Context(), func(ctx context.Context, r ports.Reader) error {
		a, err := r.Authorizations().ByUserCode(ctx, started.UserCode)
		must(s.t, err)
		suspected, err = s.HoldChecks.Suspected(ctx, r.Incidents(), r.Tokens(), held, a.Snapshot(), described.Subject, applicationtest.From(address), netip.MustParseAddr(address))
		return err
	})
	must(s.t, err)
	return suspected
}
