package device_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/internal/proof"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
)

var (
	begun   = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	difyctl = client.Must(client.Settings{ID: "difyctl", Name: "Dify CLI"})
	home    = request.Origin{ID: "r-1", IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "difyctl/1"}
	away    = request.Origin{ID: "r-2", IP: netip.MustParseAddr("198.51.100.7"), UserAgent: "Firefox"}
)

var run, _ = scope.Parse(scope.AppsRun)

const (
	life   = token.Lifetime(24 * time.Hour)
	ttl    = 15 * time.Minute
	second = time.Second
)

func alice(t testing.TB) identity.Subject {
	t.Helper()
	email, err := identity.ParseEmail("alice@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSubject(email, "https://idp.acme.example", "alice")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t testing.TB) *device.Authorization {
	t.Helper()
	a, _, _ := device.Start(difyctl, device.ParseLabel("laptop", difyctl), run, device.StandardTiming, begun, home)
	return a
}

// decision is the proof of a grant that was spent for a.
func decision(verdict proof.Verdict, a *device.Authorization, by identity.Subject, at time.Time) proof.Decision {
	return proof.NewDecision(verdict, a.Snapshot().ID, by, "acme", at)
}

// in brings an authorization into a state, one minute after it began.
func in(t testing.TB, status device.Status) *device.Authorization {
	t.Helper()
	a, at := start(t), begun.Add(time.Minute)
	var err error
	switch status {
	case device.Approved, device.Redeemed:
		_, err = a.Approve(decision(proof.Approve, a, alice(t), at), life, away)
	case device.Denied:
		_, err = a.Deny(decision(proof.Deny, a, alice(t), at), "", away)
	}
	if err == nil && status == device.Redeemed {
		err = a.Redeem(at, home)
	}
	if err != nil || a.Snapshot().Status != status {
		t.Fatalf("got %s, %v, want %s", a.Snapshot().Status, err, status)
	}
	return a
}

// issued is the token that a redeemed authorization handed out.
func issued(t testing.TB, a *device.Authorization) *token.AccessToken {
	t.Helper()
	s := a.Snapshot()
	id := s.TokenID
	tok, _, _ := token.Mint(token.Order{ID: id, Device: token.DeviceOf(alice(t), s.ClientID, s.Label), Subject: identity.ExternalSSO, Lifetime: token.Lifetime(24 * time.Hour)}, begun, home)
	return tok
}
