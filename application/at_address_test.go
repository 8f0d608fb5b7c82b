package application_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

// officeGateway is the address of everybody in an office, and of the insider's device.
const officeGateway = "198.51.100.9"

// inOffice lets people approve devices of one name behind the gateway, and says how
// many of the devices got their token at once.
func (s campaign) inOffice(label string, names ...string) (at []application.Started, redeemed int) {
	s.t.Helper()
	for _, name := range names {
		started := s.begins(label, agent(officeGateway, "difyctl/1"))
		s.approves(started.UserCode, name+"@acme.example", officeGateway)
		if s.redeems(started.Code, officeGateway) {
			redeemed++
		}
		at = append(at, started)
	}
	return at, redeemed
}

func peopleOf(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint(prefix, i))
	}
	return names
}

func (s campaign) contains(id uid.ID, people ...string) application.Contained {
	s.t.Helper()
	wanted := application.Containment{Incident: id}
	for _, name := range people {
		email, err := identity.ParseEmail(name + "@acme.example")
		must(s.t, err)
		wanted.People = append(wanted.People, email)
	}
	out, err := s.ContainIncident.Execute(s.t.Context(), wanted, audit.AdminOf("ops"), request.Origin{})
	must(s.t, err)
	return out
}

// An insider behind the victims' address is noticed by the third of them, with a device
// name of its own and without one. It costs people there nothing.
func TestAnInsiderBehindTheVictimsAddressIsNoticedByTheThird(t *testing.T) {
	for _, label := range []string{"WIN-7F3K2", ""} {
		t.Run("label "+label, func(t *testing.T) {
			s := newCampaign(t)
			s.inOffice(label, "victim0", "victim1")
			s.incidents(0)
			s.inOffice(label, "victim2")
			s.incidents(1)
			i := s.only(incident.DevicesAtAddress)
			if want := netip.MustParseAddr(officeGateway); i.State != incident.Noticed || i.Source.Network.Addr() != want {
				t.Errorf("got %s %s, want it noticed at %s", i.Source, i.State, want)
			}
			if s.signals(incident.OneDeviceName) != 1 || s.signals(incident.SeveralPeople) != 0 {
				t.Errorf("got %d signals of one device name, want one and no other: %s", s.signals(incident.OneDeviceName), s.History(t))
			}
			if _, got := s.inOffice(label, "victim3"); got != 1 || s.isSuspected(label, agent(officeGateway, "difyctl/1"), "ann@acme.example", officeGateway) {
				t.Error("got somebody in the office hindered, want nobody before a containment")
			}
			s.incidents(1)
			if n := s.Count(t, audit.IncidentExtended); n != 1 {
				t.Errorf("got it extended %d times, want once", n)
			}
		})
	}
}

// What all of them approved ends, without --near. From then on the name costs a step and
// a wait at that address for an hour, and nothing at others.
func TestContainingOneDeviceNameEndsWhatPeopleThereApproved(t *testing.T) {
	s := newCampaign(t)
	const name = "WIN-7F3K2"
	s.inOffice("MacBook Pro", "honest0", "honest1")
	s.inOffice(name, "victim0", "victim1", "victim2")
	waits := s.begins(name, agent(officeGateway, "difyctl/1"))
	s.approves(waits.UserCode, "victim3@acme.example", officeGateway)
	id := s.only(incident.DevicesAtAddress).ID

	shown, err := s.ShowIncident.Execute(t.Context(), id)
	must(t, err)
	if len(shown.Devices) != 4 || slices.ContainsFunc(shown.Devices, func(d application.IncidentDevice) bool { return d.Label != name || d.Where != incident.Near }) {
		t.Errorf("got %+v, want four devices of that name, near", shown.Devices)
	}
	got := s.contains(id)
	slices.Sort(got.People)
	if want := []string{"victim0@acme.example", "victim1@acme.example", "victim2@acme.example", "victim3@acme.example"}; !slices.Equal(got.People, want) ||
		got.Tokens != 3 || got.Approvals != 1 || got.State != incident.Held || s.live() != 2 {
		t.Errorf("got %+v and %d live, want three tokens and an approval of %v, and the honest two live", got, s.live(), want)
	}

	desk := agent(officeGateway, "difyctl/1")
	if !s.isSuspected(name, desk, "victim4@acme.example", officeGateway) || s.isSuspected("MacBook Pro", desk, "honest2@acme.example", officeGateway) ||
		s.isSuspected(name, agent("192.0.2.7", "difyctl/1"), "honest3@acme.example", "192.0.2.7") {
		t.Error("want that name at that address suspected, and neither another name nor another address")
	}
	next, at := s.inOffice(name, "victim5")
	if at != 0 {
		t.Error("got a token at once, want a wait")
	}
	s.Clock.Advance(incident.DefaultRules.Wait)
	if !s.redeems(next[0].Code, officeGateway) {
		t.Error("got no token after the wait, want one")
	}
	s.Clock.Advance(incident.DefaultRules.Hold)
	if s.isSuspected(name, desk, "victim6@acme.example", officeGateway) {
		t.Error("an hour later: got suspected, want nothing")
	}
	if _, at := s.inOffice(name, "victim7"); at != 1 || s.only(incident.DevicesAtAddress).State != incident.Noticed {
		t.Errorf("got %d tokens, and %s, want one, and it noticed anew", at, s.only(incident.DevicesAtAddress).State)
	}
}

// Where honest devices have the same name, what certain people approved is ended, and the
// others go on as before.
func TestContainingCertainPeopleOfOneDeviceNameHoldsNothing(t *testing.T) {
	s := newCampaign(t)
	s.inOffice("", "victim0", "honest0", "victim1", "honest1")
	id := s.only(incident.DevicesAtAddress).ID
	got := s.contains(id, "victim0", "victim1")
	if got.Tokens != 2 || got.State != incident.Noticed || s.live() != 2 {
		t.Errorf("got %+v and %d live, want two tokens ended, two live, and nothing held", got, s.live())
	}
	if _, at := s.inOffice("", "honest2"); at != 1 || s.isSuspected("", agent(officeGateway, "difyctl/1"), "honest3@acme.example", officeGateway) {
		t.Error("got honest people hindered, want none")
	}
}

// One incident is made of a name that people of an office have in common: on the next
// days it is usual. So it is after a release.
func TestAnOfficeIsNoticedOnceForEachNameOfItsDevices(t *testing.T) {
	s := newCampaign(t)
	for range 2 {
		for _, label := range []string{"", "localhost"} {
			s.inOffice(label, peopleOf("p"+label, 6)...)
		}
		s.incidents(2)
		s.Clock.Advance(25 * time.Hour)
	}
	s.inOffice("", peopleOf("new", 4)...) // all came back, so nothing is extended either
	s.incidents(2)
	if n := s.Count(t, audit.IncidentExtended); n != 6 {
		t.Errorf("got %d extensions, want those of the first day: 6", n)
	}

	kiosk := newCampaign(t)
	kiosk.inOffice("lab-1", peopleOf("p", 3)...)
	must(t, kiosk.ReleaseIncident.Execute(t.Context(), kiosk.only(incident.DevicesAtAddress).ID, audit.AdminOf("ops"), request.Origin{}))
	for day := range 4 {
		kiosk.inOffice("lab-1", peopleOf(fmt.Sprint("day", day), 4)...)
		kiosk.Clock.Advance(25 * time.Hour)
	}
	kiosk.incidents(1)
}

func TestOneDeviceNameOfAnExemptNetworkIsNotNoticed(t *testing.T) {
	s := newExempt(t, "198.51.100.0/24")
	s.inOffice("", peopleOf("p", 5)...)
	s.incidents(0)
}
