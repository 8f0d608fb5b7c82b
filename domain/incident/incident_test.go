package incident_test

import (
	"errors"
	"testing"
	"time"

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
		t.Error("it does not hold until its hour is over")
	}
	if _, err := rules.Extend(i, s.reported(4).assess(network), noon.Add(time.Minute)); err != nil || !i.Holds(end) || !i.Snapshot().Reported {
		t.Errorf("got %v and %+v, want it to hold longer, and a report", err, i.Snapshot())
	}
}

func TestAnIncidentIsReleasedOnceAndContainedBefore(t *testing.T) {
	i := noticed(t, (&story{t: t}).opened(1, 2, 3))
	if e, err := i.Contain(ops, "tokens: 3", noon, request.Origin{}); err != nil || e.Actor != ops || !i.Holds(noon) {
		t.Errorf("got %+v, %v, want it contained and held", e, err)
	}
	if e, err := i.Release(ops, noon, request.Origin{}); err != nil || e.Kind != audit.IncidentReleased || i.Holds(noon) {
		t.Errorf("got %+v, %v, want it released", e, err)
	}
	before := i.Snapshot()
	_, again := i.Release(ops, noon, request.Origin{})
	_, contain := i.Contain(ops, "", noon, request.Origin{})
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

func TestWhenAHeldApprovalIsRedeemed(t *testing.T) {
	held := func(change func(*incident.Snapshot)) *incident.Incident {
		s := noticed(t, (&story{t: t}).opened(1, 2, 3)).Snapshot()
		change(&s)
		i, err := incident.Restore(s)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	as := func(*incident.Snapshot) {}
	later := noon.Add(time.Minute)
	for name, c := range map[string]struct {
		change    func(*incident.Snapshot)
		decidedAt time.Time
		at        time.Time
		want      bool
	}{
		"decided before":           {as, noon.Add(-1), later.Add(rules.Wait), false},
		"decided since, at once":   {as, later, later, false},
		"decided since, too early": {as, later, later.Add(rules.Wait - 1), false},
		"decided since":            {as, later, later.Add(rules.Wait), true},
		"decided since, reported":  {func(s *incident.Snapshot) { s.Reported = true }, later, later.Add(rules.Wait), false},
		"decided since, contained": {func(s *incident.Snapshot) { s.ContainedAt, s.ContainedBy = noon, "ops" }, later, later.Add(rules.Wait), false},
		"decided before, but over": {as, noon.Add(-1), noon.Add(rules.Hold), true},
		"decided before, released": {func(s *incident.Snapshot) { s.ReleasedAt, s.ReleasedBy = noon, "ops" }, noon.Add(-1), noon, true},
	} {
		if got := rules.MayRedeem(held(c.change), c.decidedAt, c.at); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
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
		"devices unnamed": func(s *incident.Snapshot) { s.Source = incident.Source{Kind: incident.Devices} },
	} {
		s := good
		change(&s)
		if _, err := incident.Restore(s); err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
}
