package application_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// wantCounted compares the metric with the audit trail.
func (s campaign) wantCounted(kinds ...incident.Signal) {
	s.t.Helper()
	got := s.Counted()
	for _, kind := range incident.Signals {
		if n := s.signals(kind); got[kind] != n {
			s.t.Errorf("%s: got %d counted, want %d, as on record", kind, got[kind], n)
		}
	}
	for _, kind := range kinds {
		if got[kind] == 0 {
			s.t.Errorf("%s: got none counted, want some", kind)
		}
	}
}

func TestEachSignalOnRecordIsCountedOnce(t *testing.T) {
	limits := quota.Configure(6000, 60)
	limits.StartsOfNetwork = quota.Limit{Name: "starts", Max: 4, Per: time.Hour}
	s := campaign{newFixture(t, applicationtest.Options{Limits: &limits})}
	var last application.Started
	for n := range 5 {
		last = s.begins("prod-01", agent(attacker, "x/1"))
		must(t, s.Undo.Execute(t.Context(), s.victim(n, last).Undo, applicationtest.From(fmt.Sprintf("10.%d.0.7", n))))
	}
	waiting := s.begins("prod-02", agent("203.1.113.66", "x/1"))
	s.opens(waiting.UserCode, "ann@acme.example", "10.20.0.7")
	s.opens(waiting.UserCode, "bob@acme.example", "10.21.0.7")
	if s.redeems(waiting.Code, "198.18.5.7") {
		t.Fatal("got a token before the approval, want none")
	}
	if n := s.signals(incident.ManyStarts); n != 1 {
		t.Errorf("got %d bursts, want that of the fourth start alone", n)
	}
	s.wantCounted(incident.SeveralPeople, incident.PersonReports, incident.SeveralBrowsers, incident.PollsElsewhere, incident.ManyStarts)
}

// A decision that is not kept leaves no signal on record, and none in the metric.
func TestSignalsOfADecisionThatFailsAreNotCounted(t *testing.T) {
	var store *lateFailure
	s := campaign{newFixture(t, applicationtest.Options{Around: func(inner ports.Store) ports.Store {
		store = &lateFailure{Store: inner}
		return store
	}})}
	started := s.begins("prod-01", agent(attacker, "x/1"))
	out := s.victim(0, started)
	store.failing = true
	is(t, s.Undo.Execute(t.Context(), out.Undo, applicationtest.From("10.0.0.7")), errDown)
	store.failing = false
	if got := s.Counted()[incident.PersonReports]; got != 0 {
		t.Errorf("got %d reports counted, want none", got)
	}
	must(t, s.Undo.Execute(t.Context(), out.Undo, applicationtest.From("10.0.0.7")))
	s.wantCounted(incident.PersonReports)
}

// otherReplica is a store in which another replica notices each source first.
type otherReplica struct{ ports.Store }

func (s otherReplica) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return fn(ctx, overtaken{tx}) })
}

type overtaken struct{ ports.Tx }

func (tx overtaken) Incidents() ports.Incidents { return overtakenIncidents{tx.Tx.Incidents()} }

type overtakenIncidents struct{ ports.Incidents }

func (i overtakenIncidents) Add(ctx context.Context, ours *incident.Incident, event audit.Event) error {
	if err := i.Incidents.Add(ctx, ours, event); err != nil {
		return err
	}
	return incident.ErrOpen
}

// Of two replicas that notice a source at the same time one begins the incident. The
// other one extends it, and its signals stay on record.
func TestSignalsOfTheReplicaThatComesSecondStayOnRecord(t *testing.T) {
	s := campaign{newFixture(t, applicationtest.Options{Around: func(inner ports.Store) ports.Store { return otherReplica{inner} }})}
	for n := range 3 {
		s.victim(n, s.begins("prod-01", agent(attacker, "x/1")))
	}
	s.incidents(1)
	if n := s.Count(t, audit.IncidentExtended); n != 1 {
		t.Errorf("got %d extensions, want that of the second replica: %s", n, s.History(t))
	}
	if n := s.signals(incident.SeveralPeople); n != 2 {
		t.Errorf("got %d signals on record, want those of the second and third victim", n)
	}
	s.wantCounted(incident.SeveralPeople)
}
