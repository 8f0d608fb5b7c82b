package application_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
)

// In the network of these tests each machine has an address of its own.
const sharedServer = "10.20.30.250"

func deskOf(n int) string { return fmt.Sprintf("10.20.30.%d", 10+n) }

// colleague lets a person at their own desk approve a code.
func (s campaign) colleague(n int, started application.Started) application.Decided {
	s.t.Helper()
	return s.approves(started.UserCode, fmt.Sprintf("p%d@acme.example", n), deskOf(n))
}

func TestAnInsiderAtAnAddressOfTheirOwnIsNoticedByTheThirdVictim(t *testing.T) {
	for name, at := range map[string]func(n int) (device, browser string){
		"IPv4": func(n int) (string, string) { return "10.20.30.9", deskOf(n) },
		"IPv6": func(n int) (string, string) { return "2001:db8:7:1::9", fmt.Sprintf("2001:db8:7:%d::1", n) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newCampaign(t)
			device, _ := at(0)
			own := s.begins("laptop", agent(device, "difyctl/1")) // the insider's own, honest login
			s.approves(own.UserCode, "insider@acme.example", device)
			if !s.redeems(own.Code, device) {
				t.Fatal("got no token for a person at the device's address, want one")
			}
			got := 0
			for n := range 6 {
				_, browser := at(n)
				started := s.begins(fmt.Sprint("laptop-", n), agent(device, "difyctl/1"))
				s.approves(started.UserCode, fmt.Sprintf("victim%d@acme.example", n), browser)
				if s.redeems(started.Code, device) {
					got++
				}
			}
			if got != 2 || s.signals(incident.SeveralPeople) != 5 {
				t.Errorf("got %d tokens and %d signals, want those of two victims, and one from the second victim on: %s", got, s.signals(incident.SeveralPeople), s.History(t))
			}
			s.incidents(1)
			found, err := s.ListIncidents.Execute(t.Context(), page(t))
			must(t, err)
			if want := incident.AddressOf(netip.MustParseAddr(device)); found.Incidents[0].Source != want {
				t.Errorf("got the source %s, want %s", found.Incidents[0].Source, want)
			}
			for n := range 6 {
				_, browser := at(n)
				if email := fmt.Sprintf("colleague%d@acme.example", n); s.isSuspected("laptop", agent(browser, "difyctl/1"), email, browser) {
					t.Errorf("%s at a desk of their own: got suspected, want nothing", email)
				}
			}
			if s.isSuspected("laptop", agent(device, "difyctl/1"), "insider@acme.example", device) {
				t.Error("at the device's own address: got suspected, want nothing")
			}
			if _, browser := at(20); !s.isSuspected("laptop", agent(device, "difyctl/1"), "victim20@acme.example", browser) {
				t.Error("the next victim: got nothing, want suspected")
			}
		})
	}
}

// What an insider got is contained, and the login of the one whose machine it is stays.
func TestContainingAnAddressEndsWhatPeopleBesideItApproved(t *testing.T) {
	s := newCampaign(t)
	var all []application.Started
	own := s.begins("laptop", agent("10.20.30.9", "difyctl/1"))
	s.approves(own.UserCode, "insider@acme.example", "10.20.30.9")
	s.redeems(own.Code, "10.20.30.9")
	for n := range 3 {
		all = append(all, s.begins("", agent("10.20.30.9", "difyctl/1")))
		s.colleague(n, all[n])
		s.redeems(all[n].Code, "10.20.30.9")
	}
	honest := s.begins("", agent("10.20.30.77", "difyctl/1"))
	s.approves(honest.UserCode, "honest@acme.example", "10.20.30.77")
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	shown, err := s.ShowIncident.Execute(t.Context(), found.Incidents[0].ID)
	must(t, err)
	for _, d := range shown.Devices {
		if want := d.Subject.Email().String() == "insider@acme.example"; (d.Where == incident.Near) != want {
			t.Errorf("%s: got %s, want near only at that address", d.Subject.Email(), d.Where)
		}
	}
	got, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: found.Incidents[0].ID}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	slices.Sort(got.People)
	if want := []string{"p0@acme.example", "p1@acme.example", "p2@acme.example"}; !slices.Equal(got.People, want) || got.Tokens != 2 || got.Approvals != 1 {
		t.Errorf("got %+v, want two tokens and an approval of %v", got, want)
	}
	next := s.begins("", agent("10.20.30.9", "difyctl/1"))
	s.colleague(7, next)
	s.Clock.Advance(14 * time.Minute)
	if s.redeems(next.Code, "10.20.30.9") {
		t.Error("got a token from a contained address, want none")
	}
	if !s.redeems(honest.Code, "10.20.30.77") {
		t.Error("got no token for a person at their own desk, want one")
	}
}

// A server that several people use over SSH costs them a wait on its first day. On the
// second they are at home there, and new people are expected.
func TestASharedServerWaitsOnItsFirstDayOnly(t *testing.T) {
	s := newCampaign(t)
	day := func(first, people int) (waits int) {
		for n := range people {
			started := s.begins("dev", agent(sharedServer, "difyctl/1"))
			s.colleague(first+n, started)
			if !s.redeems(started.Code, sharedServer) {
				waits++
				s.Clock.Advance(incident.DefaultRules.Wait)
				if !s.redeems(started.Code, sharedServer) {
					t.Errorf("person %d still waits", first+n)
				}
			}
		}
		return waits
	}
	if waits := day(0, 10); waits != 8 {
		t.Errorf("got %d people who waited on the first day, want all but two", waits)
	}
	s.Clock.Advance(25 * time.Hour)
	if waits := day(0, 12); waits != 0 {
		t.Errorf("got %d people who waited on the second day, want none", waits)
	}
	s.incidents(1)
}

// An office whose browsers go through a proxy, and its devices do not, is no insider.
func TestBrowsersBehindAProxyOfTheOfficeHoldNothing(t *testing.T) {
	s := newCampaign(t)
	for n := range 12 {
		started := s.begins("MacBook Pro", agent("198.51.100.9", "difyctl/1"))
		s.approves(started.UserCode, fmt.Sprintf("p%d@acme.example", n), fmt.Sprintf("198.51.100.%d", 20+n%2))
		if !s.redeems(started.Code, "198.51.100.9") {
			t.Errorf("person %d waits", n)
		}
	}
	s.incidents(0)
}

// Addresses of a network that is exempt hold nothing, and what was released is usual.
func TestAnAddressIsExemptAndReleasedAsANetworkIs(t *testing.T) {
	s := newCampaign(t)
	attack := func(first int) {
		for n := range 3 {
			s.colleague(first+n, s.begins("dev", agent(sharedServer, "difyctl/1")))
		}
	}
	attack(0)
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	must(t, s.ReleaseIncident.Execute(t.Context(), found.Incidents[0].ID, audit.AdminOf("ops"), request.Origin{}))
	s.Clock.Advance(time.Minute)
	attack(0)
	attack(10) // three people at home raise the threshold
	s.incidents(1)

	exempt := newExempt(t, "10.20.30.0/24")
	for n := range 6 {
		exempt.colleague(n, exempt.begins("dev", agent(sharedServer, "difyctl/1")))
	}
	exempt.incidents(0)
}

func newExempt(t *testing.T, network string) campaign {
	rules := incident.DefaultRules
	rules.Exempt = []netip.Prefix{netip.MustParsePrefix(network)}
	return campaign{newFixture(t, applicationtest.Options{Rules: &rules})}
}
