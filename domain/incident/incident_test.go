package incident_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

var ops = audit.AdminOf("ops")

func noticed(t *testing.T, why *story) *incident.Incident {
	t.Helper()
	i, event := rules.Notice(network, why.assess(network), uid.New(noon), noon)
	if event.Kind != audit.IncidentNoticed || event.AuthorizationID != i.Snapshot().Authorization {
		t.Errorf("got the event %+v, want incident_noticed of the authorization", event)
	}
	restored, err := incident.Restore(i.Snapshot())
	if err != nil || restored.Snapshot() != i.Snapshot() {
		t.Fatalf("got %v and %v, want the same incident", restored, err)
	}
	return i
}

func TestAnIncidentHoldsForAWhileAfterTheLastSignal(t *testing.T) {
	s := (&story{t: t}).opened(1, 2, 3)
	i := noticed(t, s)
	end := noon.Add(rules.Hold)
	if !i.Holds(end.Add(-1)) || i.Holds(end) {
		t.Error("got an incident that does not hold, or longer than its hour, want an hour")
	}
	if _, err := rules.Extend(i, s.reported(4).assess(network), noon.Add(time.Minute)); err != nil || !i.Holds(end) || !i.Snapshot().Reported {
		t.Errorf("got %v and %+v, want it to hold longer, and a report", err, i.Snapshot())
	}
}

func TestAnIncidentIsReleasedOnceAndContainedBefore(t *testing.T) {
	i := noticed(t, (&story{t: t}).opened(1, 2, 3))
	if e, err := rules.Contain(i, ops, false, "tokens: 3", noon, request.Origin{}); err != nil || e.Actor != ops || !i.Holds(noon) {
		t.Errorf("got %+v, %v, want it contained and held", e, err)
	}
	if e, err := i.Release(ops, noon, request.Origin{}); err != nil || e.Kind != audit.IncidentReleased || i.Holds(noon) {
		t.Errorf("got %+v, %v, want it released", e, err)
	}
	before := i.Snapshot()
	_, again := i.Release(ops, noon, request.Origin{})
	_, contain := rules.Contain(i, ops, false, "", noon, request.Origin{})
	_, extend := rules.Extend(i, incident.Assessment{}, noon)
	for what, err := range map[string]error{"release": again, "contain": contain, "extend": extend} {
		if !errors.Is(err, incident.ErrReleased) {
			t.Errorf("%s: got %v, want ErrReleased", what, err)
		}
	}
	if i.Snapshot() != before {
		t.Errorf("got %+v, want it unchanged", i.Snapshot())
	}
}

var (
	alike = incident.Source{Kind: incident.Devices, ClientID: "difyctl", Label: "prod", UserAgent: "x"}
	first = incident.Source{Kind: incident.FirstTime}
)

func TestWhenAHeldApprovalIsRedeemed(t *testing.T) {
	const minute = time.Minute
	reported := func(s *incident.Snapshot) { s.Reported = true }
	contained := func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy = noon, "ops" }
	partly := func(s *incident.Snapshot) { contained(s); s.Partly = true }
	released := func(s *incident.Snapshot) { s.ReleasedAt, s.ReleasedBy = noon, "ops" }
	as := func(*incident.Snapshot) {}
	end := noon.Add(10 * minute) // of the code
	for name, c := range map[string]struct {
		source    incident.Source
		change    func(*incident.Snapshot)
		near      bool
		decidedAt time.Time
		at        time.Time
		want      bool
	}{
		"decided before, too early":        {network, as, false, noon.Add(-minute), noon.Add(rules.Wait - 1), false},
		"decided before":                   {network, as, false, noon.Add(-minute), noon.Add(rules.Wait), true},
		"decided since, at once":           {network, as, false, noon.Add(minute), noon.Add(minute), false},
		"decided since, too early":         {network, as, false, noon.Add(minute), noon.Add(minute + rules.Wait - 1), false},
		"decided since":                    {network, as, false, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"decided late":                     {network, as, false, end.Add(-minute), end.Add(-minute), true},
		"reported":                         {network, reported, false, noon.Add(minute), end.Add(-1), false},
		"contained":                        {network, contained, false, noon.Add(minute), end.Add(-1), false},
		"reported, contained partly":       {network, func(s *incident.Snapshot) { reported(s); partly(s) }, false, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"contained partly":                 {network, partly, false, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"reported, but over":               {network, reported, false, noon.Add(-1), noon.Add(rules.Hold), true},
		"reported, released":               {network, func(s *incident.Snapshot) { reported(s); released(s) }, false, noon.Add(-1), noon, true},
		"alike, too early":                 {alike, as, false, noon.Add(minute), noon.Add(minute + rules.Wait - 1), false},
		"alike":                            {alike, as, false, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"alike and reported":               {alike, reported, false, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"alike and contained":              {alike, contained, false, noon.Add(minute), end.Add(-minute - 1), false},
		"alike and contained, at the end":  {alike, contained, false, noon.Add(minute), end.Add(-minute), true},
		"alike and contained partly":       {alike, partly, false, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"first connections":                {first, as, false, noon.Add(minute), noon.Add(minute), true},
		"first connections that are ended": {first, contained, false, noon.Add(minute), noon.Add(minute), true},
		"reported, with people near":       {network, reported, true, noon.Add(minute), noon.Add(minute + rules.Wait), true},
		"contained, with people near":      {network, contained, true, noon.Add(minute), end.Add(-1), false},
	} {
		s := noticed(t, (&story{t: t}).opened(1, 2, 3)).Snapshot()
		s.Source = c.source
		c.change(&s)
		i, err := incident.Restore(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.MayRedeem(i, device.Snapshot{DecidedAt: c.decidedAt, ExpiresAt: end}, c.near, c.at); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

// Devices that are merely alike may be honest: whatever is reported and contained,
// their approvals are redeemed before their codes end.
func TestDevicesThatAreOnlyAlikeAreNeverRefused(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := noticed(t, (&story{t: t}).opened(1, 2, 3)).Snapshot()
		s.Source = rapid.SampledFrom([]incident.Source{alike, first}).Draw(r, "source")
		s.Reported = rapid.Bool().Draw(r, "reported")
		s.HeldUntil = noon.Add(24 * time.Hour)
		if rapid.Bool().Draw(r, "contained") {
			s.ContainedAt, s.ContainedBy, s.Partly = noon, "ops", rapid.Bool().Draw(r, "partly")
		}
		i, err := incident.Restore(s)
		if err != nil {
			r.Fatal(err)
		}
		d := device.Snapshot{DecidedAt: noon.Add(time.Duration(rapid.IntRange(-900, 900).Draw(r, "decided")) * time.Second)}
		d.ExpiresAt = d.DecidedAt.Add(time.Duration(rapid.IntRange(1, 900).Draw(r, "left")) * time.Second)
		if !rules.MayRedeem(i, d, false, d.ExpiresAt.Add(-time.Second)) {
			r.Fatalf("got %+v of %+v waiting to its end, want it redeemed", d, s)
		}
	})
}

func TestAContainmentOfAllIsNotPartAgain(t *testing.T) {
	i := noticed(t, (&story{t: t}).opened(1, 2, 3))
	for n, c := range []struct{ partly, want bool }{{true, true}, {true, true}, {false, false}, {true, false}} {
		if _, err := rules.Contain(i, ops, c.partly, "", noon, request.Origin{}); err != nil || i.Snapshot().Partly != c.want {
			t.Errorf("containment %d: got %v and partly %t, want %t", n, err, i.Snapshot().Partly, c.want)
		}
	}
}

func TestHoldsFindTheSourcesOfAnAuthorization(t *testing.T) {
	i := noticed(t, (&story{t: t}).opened(1, 2, 3))
	holds := incident.NewHolds(i)
	inside := device.Snapshot{ClientID: "difyctl", RequestedFrom: network.Network.Addr().Next()}
	if got := holds.Holding(inside, noon); len(got) != 1 || got[0] != i {
		t.Errorf("got %v, want the incident", got)
	}
	if got := holds.Holding(device.Snapshot{ClientID: "difyctl"}, noon); len(got) != 0 {
		t.Errorf("without an address: got %v, want none", got)
	}
	if got := holds.Holding(inside, noon.Add(rules.Hold)); len(got) != 0 {
		t.Errorf("when it is over: got %v, want none", got)
	}
	if got := (incident.Holds{}).Holding(inside, noon); len(got) != 0 {
		t.Errorf("nothing is held: got %v, want none", got)
	}
}

func TestAHeldSourceExplainsItsObservations(t *testing.T) {
	held := func(source incident.Source) incident.Holds {
		s := noticed(t, (&story{t: t}).opened(1, 2, 3)).Snapshot()
		s.Source = source
		i, err := incident.Restore(s)
		if err != nil {
			t.Fatal(err)
		}
		return incident.NewHolds(i)
	}
	o := incident.Observation{Network: network.Network, Devices: alike.Key(), FirstTime: first.Key()}
	other := incident.Observation{Devices: "another", FirstTime: first.Key()}
	for source, want := range map[incident.Source]bool{network: true, alike: true, first: false} {
		holds := held(source)
		if got := holds.Explains(o, noon); got != want {
			t.Errorf("%s: got %t, want %t", source, got, want)
		}
		if holds.Explains(other, noon) || holds.Explains(o, noon.Add(rules.Hold)) {
			t.Errorf("%s: got another one, or one after the hold, explained, want neither", source)
		}
	}
}

func TestImpossibleIncidentsAreRefused(t *testing.T) {
	good := noticed(t, (&story{t: t}).opened(1, 2, 3)).Snapshot()
	for name, change := range map[string]func(*incident.Snapshot){
		"no id":           func(s *incident.Snapshot) { s.ID = uid.ID{} },
		"no source":       func(s *incident.Snapshot) { s.Source = incident.Source{} },
		"a mixed source":  func(s *incident.Snapshot) { s.Source.Label = "x" },
		"no time":         func(s *incident.Snapshot) { s.NoticedAt = time.Time{} },
		"no end":          func(s *incident.Snapshot) { s.HeldUntil = time.Time{} },
		"no releaser":     func(s *incident.Snapshot) { s.ReleasedAt = noon },
		"no containment":  func(s *incident.Snapshot) { s.ContainedBy = "ops" },
		"a part of none":  func(s *incident.Snapshot) { s.Partly = true },
		"first of one":    func(s *incident.Snapshot) { s.Source = incident.Source{Kind: incident.FirstTime, ClientID: "difyctl"} },
		"devices unnamed": func(s *incident.Snapshot) { s.Source = incident.Source{Kind: incident.Devices} },
	} {
		s := good
		change(&s)
		if _, err := incident.Restore(s); err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
}
