package application_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// attacked is a campaign with two tokens, an approval that waits and a code that
// waits for a victim; and one honest person in the attacker's network.
func attacked(t *testing.T) (s campaign, id uid.ID, approved, waiting application.Started) {
	s = newCampaign(t)
	from := agent(attacker, "x/1")
	for n := range 2 {
		started := s.begins(fmt.Sprint("prod-", n), from)
		s.victim(n, started)
		if !s.redeems(started.Code, attacker) {
			t.Fatal("got no token for the first two, want one: they are not noticed yet")
		}
	}
	near := s.begins("laptop", agent("203.0.113.9", "difyctl/1"))
	s.approves(near.UserCode, "near@acme.example", "203.0.113.9")
	if !s.redeems(near.Code, "203.0.113.9") {
		t.Fatal("got no token for a near approval, want one")
	}
	approved = s.begins("prod-2", from)
	s.victim(2, approved)
	s.victim(3, s.begins("prod-3", from)) // the person at home raised the threshold
	waiting = s.begins("prod-4", from)
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	if found.Total != 1 || found.Incidents[0].State != incident.Held {
		t.Fatalf("got %+v, want one that holds: %s", found, s.History(t))
	}
	return s, found.Incidents[0].ID, approved, waiting
}

func page(t *testing.T) application.Page {
	t.Helper()
	p, err := application.NewPage(1, 100)
	must(t, err)
	return p
}

func TestContainmentEndsEverythingThatTheSourceGot(t *testing.T) {
	s, id, approved, waiting := attacked(t)
	want := application.Contained{Tokens: 2, Approvals: 2, Codes: 1}
	same := func(got application.Contained) bool {
		return got.Tokens == want.Tokens && got.Approvals == want.Approvals && got.Codes == want.Codes && len(got.People) == 4
	}
	before := s.History(t)
	got, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id, DryRun: true}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || !same(got) || s.History(t) != before || s.live() != 3 {
		t.Fatalf("dry run: got %+v, %v and %d live, want %+v and nothing changed", got, err, s.live(), want)
	}

	got, err = s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || !same(got) || s.live() != 1 {
		t.Errorf("got %+v, %v and %d live tokens, want %+v and the honest one", got, err, s.live(), want)
	}
	s.Clock.Advance(gap)
	_, err = s.poll(approved.Code, attacker)
	is(t, err, device.ErrAccessDenied)
	_, err = s.poll(waiting.Code, attacker)
	is(t, err, device.ErrExpiredToken)
	if n := s.Count(t, audit.IncidentContained); n != 1 || strings.Count(s.History(t), "oauth.token_revoked(phishing)") != 2 {
		t.Errorf("got %s, want one containment and two tokens revoked", s.History(t))
	}
	for _, e := range s.AuditEvents(t) {
		if e.Kind == audit.IncidentContained && (e.Actor != audit.AdminOf("ops") || !strings.Contains(e.Detail, "tokens: 2; approvals: 2; codes: 1; people: 4")) {
			t.Errorf("got the event %+v, want ops and the counts", e)
		}
	}

	shown, err := s.ShowIncident.Execute(t.Context(), id)
	must(t, err)
	live := 0
	for _, d := range shown.Devices {
		if d.Live {
			live++
		}
	}
	if len(shown.Devices) != 6 || live != 1 || shown.State != incident.Held {
		t.Errorf("got %d devices, %d live, %s, want 6, the honest one, and held", len(shown.Devices), live, shown.State)
	}

	again, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || again.Tokens+again.Approvals+again.Codes != 0 {
		t.Errorf("again: got %+v, %v, want nothing left", again, err)
	}
	near, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id, Near: true}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || near.Tokens != 1 || s.live() != 0 {
		t.Errorf("with those near: got %+v, %v, %d live, want the last one", near, err, s.live())
	}
}

func TestOnlyWhatCertainPeopleApprovedIsContained(t *testing.T) {
	s, id, approved, _ := attacked(t)
	people := func(names ...string) (all []identity.Email) {
		for _, name := range names {
			email, err := identity.ParseEmail(name + "@acme.example")
			must(t, err)
			all = append(all, email)
		}
		return all
	}
	contain := func(names ...string) (application.Contained, error) {
		return s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id, People: people(names...)}, audit.AdminOf("ops"), request.Origin{})
	}
	before := s.History(t)
	_, err := contain("victim0", "stranger")
	is(t, err, application.ErrNotOfIncident)
	if s.History(t) != before || s.live() != 3 {
		t.Errorf("got something changed by a refused containment, want nothing: %s", s.History(t))
	}
	for _, c := range []struct {
		name string
		want application.Contained
		live int
	}{
		{"victim0", application.Contained{Tokens: 1, People: []string{"victim0@acme.example"}, State: incident.Held}, 2},
		{"near", application.Contained{Tokens: 1, People: []string{"near@acme.example"}, State: incident.Held}, 1},
		{"victim3", application.Contained{Approvals: 1, People: []string{"victim3@acme.example"}, State: incident.Held}, 1},
	} {
		if got, err := contain(c.name); err != nil || !reflect.DeepEqual(got, c.want) || s.live() != c.live {
			t.Errorf("%s: got %+v, %v and %d live, want %+v and %d", c.name, got, err, s.live(), c.want, c.live)
		}
	}
	if n := strings.Count(s.History(t), "oauth.device_flow_denied(phishing)"); n != 1 {
		t.Errorf("got %d approvals withdrawn, want one", n)
	}
	s.Clock.Advance(incident.DefaultRules.Wait)
	if !s.redeems(approved.Code, attacker) {
		t.Error("got no token for a person who was not named, want one after the wait")
	}
}

// The device of a contained code learns it with its next poll, not when the hint that
// it waits runs out.
func TestAContainedCodeIsToldAtOnce(t *testing.T) {
	s, id, _, waiting := attacked(t)
	if s.redeems(waiting.Code, attacker) { // it is known to wait from now on
		t.Fatal("got a token of a code that waits, want none")
	}
	_, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	s.Clock.Advance(gap)
	_, err = s.poll(waiting.Code, attacker)
	is(t, err, device.ErrExpiredToken)
}

// lateFailure is a store whose transactions fail with their last write.
type lateFailure struct {
	ports.Store
	failing      bool
	transactions int
}

func (s *lateFailure) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	s.transactions++
	return s.Store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if err := fn(ctx, tx); err != nil || !s.failing {
			return err
		}
		return errDown
	})
}

// A containment that fails has ended nothing, and can be tried again.
func TestAContainmentIsOneTransaction(t *testing.T) {
	s, id, _, _ := attacked(t)
	store := &lateFailure{Store: s.Store, failing: true}
	contain := application.NewContainIncident(store, s.Throttle, application.NewNotices(false), s.Rules, s.Clock.Now)
	before := s.History(t)
	got, err := contain.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	is(t, err, errDown)
	if !reflect.DeepEqual(got, application.Contained{}) || s.live() != 3 || s.History(t) != before {
		t.Errorf("got %+v and %d live tokens, want nothing ended", got, s.live())
	}
	store.failing = false
	got, err = contain.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || got.Tokens != 2 || s.live() != 1 || store.transactions != 2 {
		t.Errorf("got %+v, %v, %d live tokens in %d transactions, want two tokens ended in one more", got, err, s.live(), store.transactions)
	}
}

func TestTokensThatHaveExpiredAreNotCountedAsEnded(t *testing.T) {
	s, id, _, _ := attacked(t)
	s.Clock.Advance(15 * 24 * time.Hour)
	got, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id, Near: true}, audit.AdminOf("ops"), request.Origin{})
	if err != nil || got.Tokens != 0 {
		t.Errorf("got %+v, %v, want no token that was alive", got, err)
	}
}

func TestAReleaseLetsDevicesGoOn(t *testing.T) {
	s, id, approved, _ := attacked(t)
	if s.redeems(approved.Code, attacker) {
		t.Error("got a token while the source is held, want none")
	}
	must(t, s.ReleaseIncident.Execute(t.Context(), id, audit.AdminOf("ops"), request.Origin{}))
	if !s.redeems(approved.Code, attacker) {
		t.Error("got no token after the release, want one")
	}
	for n := range 3 { // the people are at home there now
		started := s.begins("again", agent(attacker, "x/1"))
		s.victim(n, started)
		if !s.redeems(started.Code, attacker) {
			t.Errorf("got no token for person %d, want one", n)
		}
	}
	s.incidents(1)
	is(t, s.ReleaseIncident.Execute(t.Context(), id, audit.AdminOf("ops"), request.Origin{}), incident.ErrReleased)
	for _, dry := range []bool{true, false} {
		_, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id, DryRun: dry}, audit.AdminOf("ops"), request.Origin{})
		is(t, err, incident.ErrReleased)
	}
}

func TestUnknownIncidentsAreNotFound(t *testing.T) {
	s := newCampaign(t)
	unknown := uid.New(s.Clock.Now())
	_, shown := s.ShowIncident.Execute(t.Context(), unknown)
	_, dry := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: unknown, DryRun: true}, audit.AdminOf("ops"), request.Origin{})
	_, contained := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: unknown}, audit.AdminOf("ops"), request.Origin{})
	released := s.ReleaseIncident.Execute(t.Context(), unknown, audit.AdminOf("ops"), request.Origin{})
	for what, err := range map[string]error{"show": shown, "dry run": dry, "contain": contained, "release": released} {
		t.Run(what, func(t *testing.T) { is(t, err, application.ErrNoSuchIncident) })
	}
}

// The next victim after a containment extends the incident: nothing of a source
// that was contained is redeemed while it is held.
func TestAContainedSourceStaysHeld(t *testing.T) {
	s, id, _, _ := attacked(t)
	_, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	started := s.begins("prod-9", agent(attacker, "x/1"))
	s.victim(9, started)
	s.Clock.Advance(shortly)
	if s.redeems(started.Code, attacker) {
		t.Error("got a token of a contained source, want it to wait")
	}
	if n := s.Count(t, audit.IncidentExtended); n == 0 {
		t.Error("got no extension, want one by the fifth victim")
	}
}

const shortly = 2 * interval

// The device of the third person did not have its token yet.
func TestPeopleGetMailAboutWhatContainmentEnds(t *testing.T) {
	s := campaign{newFixture(t, applicationtest.Options{Mail: true})}
	for n := range 2 {
		started := s.begins(fmt.Sprint("prod-", n), agent(attacker, "x/1"))
		s.victim(n, started)
		if !s.redeems(started.Code, attacker) {
			t.Fatal("got no token for the first two, want one: they are not noticed yet")
		}
	}
	s.victim(2, s.begins("prod-2", agent(attacker, "x/1")))
	found, err := s.ListIncidents.Execute(t.Context(), page(t))
	must(t, err)
	contain := application.Containment{Incident: found.Incidents[0].ID, DryRun: true}
	for _, want := range []int{0, 3, 3} { // the dry run, the containment, and once more
		_, err = s.ContainIncident.Execute(t.Context(), contain, audit.AdminOf("ops"), request.Origin{})
		must(t, err)
		kinds, _ := s.ordered()
		told := 0
		for _, kind := range kinds {
			if kind == string(notice.DeviceEnded) {
				told++
			}
		}
		if told != want {
			t.Errorf("got %v, want %d people told of the end", kinds, want)
		}
		contain.DryRun = false
	}
}
