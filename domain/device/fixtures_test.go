package device_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
)

var (
	begun  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	client = device.Client{ID: "difyctl", Name: "Dify CLI"}
	home   = request.Origin{ID: "r-1", IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "difyctl/1"}
	away   = request.Origin{ID: "r-2", IP: netip.MustParseAddr("198.51.100.7"), UserAgent: "Firefox"}
)

const (
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
	a, _, _ := device.Start(client, device.ParseLabel("laptop", client), device.StandardTiming, begun, home)
	return a
}

// in brings an authorization into a state, one minute after it began.
func in(t testing.TB, status device.Status) *device.Authorization {
	t.Helper()
	a, at := start(t), begun.Add(time.Minute)
	var err error
	switch status {
	case device.Approved, device.Redeemed:
		_, err = a.Approve(alice(t), at, away)
	case device.Denied:
		_, err = a.Deny(alice(t), at, away)
	}
	if err == nil && status == device.Redeemed {
		err = a.Redeem(at, home)
	}
	if err != nil || a.Snapshot().Status != status {
		t.Fatalf("cannot be brought to %s: %v", status, err)
	}
	return a
}

// issued is the token that a redeemed authorization handed out.
func issued(t testing.TB, a *device.Authorization) *token.AccessToken {
	t.Helper()
	s := a.Snapshot()
	id := s.TokenID
	tok, _, _ := token.Mint(id, token.DeviceOf(alice(t), s.ClientID, s.Label), identity.ExternalSSO, token.Lifetime(24*time.Hour), begun, home)
	return tok
}
