package audit_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func TestOneHolderAtATimeDelivers(t *testing.T) {
	p := audit.Progress{Sink: audit.Webhook}
	a, b := uid.New(noon), uid.New(noon)
	if !p.Claim(a, noon) || p.After.At != audit.Settled(noon) {
		t.Fatalf("got %+v, want a new sink claimed from now on", p)
	}
	if p.Claim(b, noon.Add(time.Minute)) {
		t.Error("got true for another holder, want false")
	}
	if !p.Claim(a, noon.Add(time.Minute)) {
		t.Error("got false for the holder itself, want true")
	}
	if !p.Claim(b, noon.Add(time.Hour)) {
		t.Error("got false after the end of the lease, want true: its holder was killed")
	}
	p.Release()
	if !p.Claim(a, noon.Add(time.Hour)) {
		t.Error("got false after a release, want true")
	}
}

func TestASinkThatFailsIsLeftAloneForLonger(t *testing.T) {
	p := audit.Progress{Sink: audit.Webhook, After: audit.Position{At: noon}}
	var before time.Duration
	for range 12 {
		p.Failed("down", 0, noon)
		pause := p.NextAt.Sub(noon)
		if pause < before || pause > 15*time.Minute {
			t.Errorf("after %d: got %s, want growing pauses up to a quarter of an hour", p.Failures, pause)
		}
		before = pause
	}
	if p.Claim(uid.New(noon), noon.Add(time.Minute)) {
		t.Error("got a claim before the next attempt, want none")
	}
	if p.FailingSince != noon || p.After.At != noon || p.Probes() <= 3 {
		t.Errorf("got %+v, want its place kept", p)
	}
	p.Succeeded(audit.Position{At: noon.Add(time.Second)}, noon)
	if p.Failures != 0 || !p.FailingSince.IsZero() || !p.NextAt.IsZero() || p.LastError != "" {
		t.Errorf("got %+v, want no failure left", p)
	}
	p.Failed("busy", 5*time.Minute, noon)
	if got := p.NextAt.Sub(noon); got != 5*time.Minute {
		t.Errorf("got %s, want what the sink asked for", got)
	}
}

func TestAParkedEventIsGivenUpAndCanBeRetried(t *testing.T) {
	p := audit.Parked{}
	attempts := 0
	for ; !p.Dead; attempts++ {
		if attempts > 100 {
			t.Fatal("got no end of attempts, want one")
		}
		p.Failed("refused", noon)
	}
	if attempts < 5 || p.LastError != "refused" {
		t.Errorf("got %d attempts, want some", attempts)
	}
	p.Revive(noon)
	if p.Dead || p.Attempts != 0 || p.NextAt != noon {
		t.Errorf("got %+v, want it due", p)
	}
}

func TestRetentionCountsWholeDays(t *testing.T) {
	for days, want := range map[audit.Retention]audit.Day{1: "2026-11-27", 30: "2026-10-29"} {
		if got, any := days.LastRemovable(noon); !any || got != want {
			t.Errorf("%d: got %s, want %s", days, got, want)
		}
	}
	if day, any := audit.Retention(0).LastRemovable(noon); any {
		t.Errorf("got %s, want nothing removed", day)
	}
}

func TestAStreamIsAPersonElseALogin(t *testing.T) {
	e := fullEvent(t)
	other := e
	other.ID, other.ClientID, other.Actor, other.AuthorizationID = uid.New(noon), "tv", audit.AdminOf("x"), uid.New(noon)
	if audit.StreamOf(e) != audit.StreamOf(other) {
		t.Error("got two streams for one person, want one")
	}
	login := audit.Event{AuthorizationID: uid.New(noon), Actor: audit.ClientOf("a")}
	same := audit.Event{AuthorizationID: login.AuthorizationID, Actor: audit.Anonymous}
	if audit.StreamOf(login) != audit.StreamOf(same) || audit.StreamOf(login) == audit.StreamOf(e) {
		t.Error("got other streams, want one for each login")
	}
}
