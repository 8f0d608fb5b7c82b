package device_test

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/internal/proof"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

func TestAnAttemptStartsPending(t *testing.T) {
	a, code, started := device.Start(difyctl, device.ParseLabel("laptop", difyctl), run, device.StandardTiming, begun, home)
	s := a.Snapshot()
	want := device.Snapshot{
		ID: s.ID, Code: code.Digest(), UserCode: s.UserCode, ClientID: "difyctl", Label: "laptop", Scopes: run,
		RequestedFrom: home.IP, RequestedAt: begun, ExpiresAt: begun.Add(ttl), Status: device.Pending, UserAgent: home.UserAgent,
	}
	if s != want || s.ID.IsZero() || s.UserCode.IsZero() || !codeForm.MatchString(code.Reveal()) {
		t.Errorf("got the authorization\n%+v, want\n%+v", s, want)
	}
	if started.Kind != audit.DeviceFlowStarted || started.ClientID != "difyctl" || started.DeviceLabel != "laptop" ||
		started.Actor != audit.ClientOf("difyctl") || started.AuthorizationID != s.ID || started.Origin != home || !started.At.Equal(begun) || !started.Subject.IsZero() {
		t.Errorf("got the event %+v, want the start of %s by difyctl", started, s.ID)
	}
}

// Case D04: a client never reads a missing, zero or absurd interval.
func TestTheAdvertisedTimingIsTheContracts(t *testing.T) {
	if device.StandardTiming != (device.Timing{TTL: 900 * second, Interval: 5 * second}) {
		t.Errorf("got %+v, want 15 minutes and 5 seconds", device.StandardTiming)
	}
	if gap := device.StandardTiming.Gap(); gap != 4500*time.Millisecond {
		t.Errorf("got a gap of %s, want 4.5s", gap)
	}
}

// move is one of the ways in which an authorization may change.
type move func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error)

var moves = map[string]move{
	"approve": func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		return a.Approve(decision(proof.Approve, a, alice(t), at), life, away)
	},
	"deny": func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		return a.Deny(decision(proof.Deny, a, alice(t), at), "", away)
	},
	"approve without a subject": func(_ testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		return a.Approve(decision(proof.Approve, a, identity.Subject{}, at), life, away)
	},
	"undo": func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		e, _, err := a.Undo(proof.NewUndo(a.Snapshot().ID, alice(t), at), away)
		return e, err
	},
	"undo without a subject": func(_ testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		e, _, err := a.Undo(proof.NewUndo(a.Snapshot().ID, identity.Subject{}, at), away)
		return e, err
	},
	"withdraw": func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		e, _, err := a.Withdraw(alice(t), at, away)
		return e, err
	},
	"withdraw by another": func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		e, _, err := a.Withdraw(identity.Subject{}, at, away)
		return e, err
	},
	"cancel": func(_ testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		e, _, err := a.Cancel(audit.AdminOf("ann"), at, away)
		return e, err
	},
	"redeem": func(_ testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		return audit.Event{}, a.Redeem(at, home)
	},
	"repeat": func(t testing.TB, a *device.Authorization, at time.Time) (audit.Event, error) {
		return audit.Event{}, a.Repeat(issued(t, a), device.StandardTiming, at, home)
	},
	"not delivered": func(t testing.TB, a *device.Authorization, _ time.Time) (audit.Event, error) {
		return audit.Event{}, a.MarkUndelivered(issued(t, a))
	},
}

// errOther stands for a refusal that is no client's fault.
var errOther = errors.New("any other error")

func TestAuthorizationStateMatrix(t *testing.T) {
	// Ten seconds after the state was reached; then after the code's expiry.
	soon, late := begun.Add(70*second), begun.Add(ttl)
	for _, c := range []struct {
		from  device.Status
		move  string
		at    time.Time
		want  error
		event audit.Kind
		to    device.Status
	}{
		{device.Pending, "approve", soon, nil, audit.DeviceFlowApproved, device.Approved},
		{device.Pending, "deny", soon, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Pending, "approve without a subject", soon, errOther, "", ""},
		{device.Pending, "redeem", soon, device.ErrAuthorizationPending, "", ""},
		{device.Pending, "repeat", soon, device.ErrExpiredToken, "", ""},
		{device.Pending, "not delivered", soon, errOther, "", ""},
		{device.Pending, "approve", late, device.ErrExpired, "", ""},
		{device.Pending, "deny", late, device.ErrExpired, "", ""},
		{device.Pending, "approve without a subject", late, errOther, "", ""},
		{device.Pending, "redeem", late, device.ErrExpiredToken, "", ""},
		{device.Pending, "repeat", late, device.ErrExpiredToken, "", ""},
		{device.Pending, "not delivered", late, errOther, "", ""},

		{device.Pending, "undo", soon, device.ErrNotPending, "", ""},
		{device.Pending, "undo", late, device.ErrNotPending, "", ""},
		{device.Pending, "undo without a subject", soon, device.ErrNotPending, "", ""},

		{device.Pending, "withdraw", soon, device.ErrNotPending, "", ""},
		{device.Approved, "withdraw", soon, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Approved, "withdraw", late, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Approved, "withdraw by another", soon, device.ErrNotPending, "", ""},
		{device.Denied, "withdraw", soon, device.ErrNotPending, "", ""},
		{device.Redeemed, "withdraw", soon, device.ErrNotPending, "", ""},

		{device.Pending, "cancel", soon, device.ErrNotPending, "", ""},
		{device.Approved, "cancel", soon, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Approved, "cancel", late, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Denied, "cancel", soon, device.ErrNotPending, "", ""},
		{device.Redeemed, "cancel", soon, nil, audit.DeviceFlowDenied, device.Redeemed},

		{device.Approved, "undo", soon, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Approved, "undo", late, nil, audit.DeviceFlowDenied, device.Denied},
		{device.Approved, "undo without a subject", soon, device.ErrNotPending, "", ""},
		{device.Approved, "approve", soon, device.ErrDecided, "", ""},
		{device.Approved, "deny", soon, device.ErrDecided, "", ""},
		{device.Approved, "approve without a subject", soon, errOther, "", ""},
		{device.Approved, "redeem", soon, nil, "", device.Redeemed},
		{device.Approved, "repeat", soon, device.ErrExpiredToken, "", ""},
		{device.Approved, "not delivered", soon, errOther, "", ""},
		{device.Approved, "approve", late, device.ErrDecided, "", ""},
		{device.Approved, "deny", late, device.ErrDecided, "", ""},
		{device.Approved, "approve without a subject", late, errOther, "", ""},
		{device.Approved, "redeem", late, device.ErrExpiredToken, "", ""},
		{device.Approved, "repeat", late, device.ErrExpiredToken, "", ""},
		{device.Approved, "not delivered", late, errOther, "", ""},

		{device.Denied, "undo", soon, device.ErrNotPending, "", ""},
		{device.Denied, "undo without a subject", soon, device.ErrNotPending, "", ""},
		{device.Denied, "approve", soon, device.ErrDecided, "", ""},
		{device.Denied, "deny", soon, device.ErrDecided, "", ""},
		{device.Denied, "approve without a subject", soon, errOther, "", ""},
		{device.Denied, "redeem", soon, device.ErrAccessDenied, "", ""},
		{device.Denied, "repeat", soon, device.ErrExpiredToken, "", ""},
		{device.Denied, "not delivered", soon, errOther, "", ""},
		{device.Denied, "approve", late, device.ErrDecided, "", ""},
		{device.Denied, "deny", late, device.ErrDecided, "", ""},
		{device.Denied, "approve without a subject", late, errOther, "", ""},
		{device.Denied, "redeem", late, device.ErrExpiredToken, "", ""},
		{device.Denied, "repeat", late, device.ErrExpiredToken, "", ""},
		{device.Denied, "not delivered", late, errOther, "", ""},

		{device.Redeemed, "undo", soon, nil, audit.DeviceFlowDenied, device.Redeemed},
		{device.Redeemed, "undo", late, nil, audit.DeviceFlowDenied, device.Redeemed},
		{device.Redeemed, "undo without a subject", soon, device.ErrNotPending, "", ""},
		{device.Redeemed, "approve", soon, device.ErrDecided, "", ""},
		{device.Redeemed, "deny", soon, device.ErrDecided, "", ""},
		{device.Redeemed, "approve without a subject", soon, errOther, "", ""},
		{device.Redeemed, "redeem", soon, device.ErrExpiredToken, "", ""},
		{device.Redeemed, "repeat", soon, nil, "", device.Redeemed},
		{device.Redeemed, "not delivered", soon, nil, "", device.Redeemed},
		{device.Redeemed, "approve", late, device.ErrDecided, "", ""},
		{device.Redeemed, "deny", late, device.ErrDecided, "", ""},
		{device.Redeemed, "approve without a subject", late, errOther, "", ""},
		{device.Redeemed, "redeem", late, device.ErrExpiredToken, "", ""},
		{device.Redeemed, "repeat", late, device.ErrExpiredToken, "", ""},
		{device.Redeemed, "not delivered", late, nil, "", device.Redeemed},
	} {
		when := map[time.Time]string{soon: "in time", late: "too late"}[c.at]
		t.Run(string(c.from)+", "+c.move+" "+when, func(t *testing.T) {
			a := in(t, c.from)
			before := a.Snapshot()
			event, err := moves[c.move](t, a, c.at)
			after := a.Snapshot()
			switch {
			case c.want == errOther && err != nil && !errors.Is(err, device.ErrNotPending):
			case !errors.Is(err, c.want):
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				if after != before || event.Kind != "" {
					t.Errorf("got after a refused move\n%+v and the event %q, want what was before:\n%+v", after, event.Kind, before)
				}
				return
			}
			if after.Status != c.to || after == before || event.Kind != c.event {
				t.Errorf("got %s with the event %q, want %s with %q", after.Status, event.Kind, c.to, c.event)
			}
			if back, err := device.Restore(after); err != nil || back.Snapshot() != after {
				t.Errorf("got %v, want what came out restored", err)
			}
		})
	}
}

func TestADecisionKeepsItsSubjectAndTokenID(t *testing.T) {
	at := begun.Add(time.Minute)
	a := start(t)
	approved, err := a.Approve(decision(proof.Approve, a, alice(t), at), life, away)
	s := a.Snapshot()
	if err != nil || s.Subject != alice(t) || s.TokenID.IsZero() || !s.DecidedAt.Equal(at) {
		t.Errorf("got %+v, %v, want an approval by alice at %s", s, err, at)
	}
	if approved.Subject != alice(t) || approved.TokenID != s.TokenID || approved.ClientID != "difyctl" ||
		approved.DeviceLabel != "laptop" || approved.Origin != away || !approved.At.Equal(at) {
		t.Errorf("got the event %+v, want alice's approval of the laptop", approved)
	}
	// F31, contract 10.12.
	if want := at.Add(time.Duration(life)); !approved.TokenExpiresAt.Equal(want) || approved.AuthorizationID != s.ID ||
		approved.Actor != (audit.Actor{Kind: audit.Person, Name: "alice@acme.example"}) || !slices.Equal(approved.Scopes, []string{"apps:run"}) {
		t.Errorf("got the event %+v, want alice as its actor and the token's end at %s", approved, want)
	}
	d := start(t)
	denied, err := d.Deny(decision(proof.Deny, d, alice(t), at), "", away)
	if s := d.Snapshot(); err != nil || s.Subject != alice(t) || !s.TokenID.IsZero() || !denied.TokenID.IsZero() {
		t.Errorf("got %+v, %v, want a denial by alice without a token", s, err)
	}
}

// F08: a decision needs the proof of a grant that was spent for it.
func TestADecisionDemandsItsOwnProof(t *testing.T) {
	at := begun.Add(time.Minute)
	for what, move := range map[string]func(a *device.Authorization) error{
		"approve with no proof": func(a *device.Authorization) error { _, err := a.Approve(proof.Decision{}, life, away); return err },
		"deny with no proof":    func(a *device.Authorization) error { _, err := a.Deny(proof.Decision{}, "", away); return err },
		"approve with the proof of a denial": func(a *device.Authorization) error {
			_, err := a.Approve(decision(proof.Deny, a, alice(t), at), life, away)
			return err
		},
		"deny with the proof of an approval": func(a *device.Authorization) error {
			_, err := a.Deny(decision(proof.Approve, a, alice(t), at), "", away)
			return err
		},
		"approve with the proof for another": func(a *device.Authorization) error {
			_, err := a.Approve(decision(proof.Approve, start(t), alice(t), at), life, away)
			return err
		},
		"undo with no proof": func(a *device.Authorization) error { _, _, err := a.Undo(proof.Undo{}, away); return err },
		"undo with the proof for another": func(a *device.Authorization) error {
			_, _, err := a.Undo(proof.NewUndo(start(t).Snapshot().ID, alice(t), at), away)
			return err
		},
	} {
		for _, from := range []device.Status{device.Pending, device.Approved, device.Redeemed} {
			a := in(t, from)
			before := a.Snapshot()
			if err := move(a); err == nil || a.Snapshot() != before {
				t.Errorf("%s, %s: got %v, want an error and no change", from, what, err)
			}
		}
	}
}

// F09: what was undone stays as it is, and adds no event.
func TestUndoingTwiceChangesNothingMore(t *testing.T) {
	for _, from := range []device.Status{device.Approved, device.Redeemed} {
		a := in(t, from)
		undo := proof.NewUndo(a.Snapshot().ID, alice(t), begun.Add(70*second))
		if e, changed, err := a.Undo(undo, away); err != nil || !changed || e.Reason != "undone" {
			t.Fatalf("%s: got %+v, %v, %v, want one event", from, e, changed, err)
		}
		before := a.Snapshot()
		for range 3 {
			if e, changed, err := a.Undo(undo, away); err != nil || changed || !e.ID.IsZero() || a.Snapshot() != before {
				t.Errorf("%s, again: got %+v, %v, %v, want nothing", from, e, changed, err)
			}
		}
	}
}

func TestARedemptionThatWasUndoneIsNotRepeated(t *testing.T) {
	a := in(t, device.Redeemed)
	tok := issued(t, a)
	if err := a.MarkUndelivered(tok); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Undo(proof.NewUndo(a.Snapshot().ID, alice(t), begun.Add(70*second)), away); err != nil {
		t.Fatal(err)
	}
	if err := a.Repeat(tok, device.StandardTiming, begun.Add(75*second), home); !errors.Is(err, device.ErrExpiredToken) {
		t.Errorf("got %v, want expired_token", err)
	}
}

func TestAnAdministratorTakesBackWhatCanLeadToAToken(t *testing.T) {
	at := begun.Add(75 * second)
	undelivered := func() *device.Authorization {
		a := in(t, device.Redeemed)
		if err := a.MarkUndelivered(issued(t, a)); err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, a := range map[string]*device.Authorization{"approved": in(t, device.Approved), "undelivered": undelivered()} {
		if !a.Fetchable(at) {
			t.Errorf("%s: got nothing to fetch, want a token", name)
		}
		e, changed, err := a.Cancel(audit.AdminOf("ops"), at, away)
		if err != nil || !changed || e.Actor != audit.AdminOf("ops") || e.Reason != "by_admin" || a.Fetchable(at) {
			t.Errorf("%s: got %+v, %t, %v, want the administrator's event and nothing to fetch", name, e, changed, err)
		}
	}
	if a := undelivered(); a.Fetchable(at.Add(time.Minute)) {
		t.Error("got a token to fetch after the repetition's window, want none")
	}
	for _, none := range []device.Status{device.Pending, device.Denied, device.Redeemed} {
		if in(t, none).Fetchable(at) {
			t.Errorf("%s: got a token to fetch, want none", none)
		}
	}
}

func TestARejectionIsRecordedAndChangesNothing(t *testing.T) {
	a := start(t)
	before := a.Snapshot()
	e := a.Reject(alice(t), "some_reason", begun, away)
	if e.Kind != audit.DeviceFlowRejected || e.Reason != "some_reason" || e.Subject != alice(t) || e.ClientID != "difyctl" || a.Snapshot() != before {
		t.Errorf("got %+v and the authorization %+v, want a rejection that changes nothing", e, a.Snapshot())
	}
}

func TestAPollIsAnsweredByStateAndTime(t *testing.T) {
	decided := begun.Add(time.Minute)
	for _, c := range []struct {
		what   string
		from   device.Status
		client string
		at     time.Time
		want   error
	}{
		// Case D05: the first poll, at once, is no mistake.
		{"at once", device.Pending, "difyctl", begun, device.ErrAuthorizationPending},
		{"without a client_id", device.Pending, "", begun, device.ErrAuthorizationPending},
		{"in the last moment", device.Pending, "difyctl", begun.Add(ttl - 1), device.ErrAuthorizationPending},
		// Case D13: an expired code is not pending for ever.
		{"when time is up", device.Pending, "difyctl", begun.Add(ttl), device.ErrExpiredToken},
		{"long after", device.Pending, "difyctl", begun.Add(1000 * time.Hour), device.ErrExpiredToken},
		{"denied", device.Denied, "difyctl", decided, device.ErrAccessDenied},
		{"denied, until expiry", device.Denied, "difyctl", begun.Add(ttl - 1), device.ErrAccessDenied},
		{"denied and expired", device.Denied, "difyctl", begun.Add(ttl), device.ErrExpiredToken},
		{"approved", device.Approved, "difyctl", decided, nil},
		{"approved, until expiry", device.Approved, "", begun.Add(ttl - 1), nil},
		{"approved long before, and expired", device.Approved, "difyctl", begun.Add(ttl), device.ErrExpiredToken},
		// Case D10: a redeemed code does not go on answering.
		{"redeemed just now", device.Redeemed, "difyctl", decided, nil},
		{"redeemed, to be repeated", device.Redeemed, "difyctl", decided.Add(30*second - 1), nil},
		{"redeemed and done", device.Redeemed, "difyctl", decided.Add(30 * second), device.ErrExpiredToken},
		{"redeemed and expired", device.Redeemed, "difyctl", begun.Add(ttl), device.ErrExpiredToken},
		{"another client's", device.Pending, "other", begun, device.ErrForeignClient},
		{"another client's, approved", device.Approved, "other", decided, device.ErrForeignClient},
		{"another client's, denied", device.Denied, "other", decided, device.ErrForeignClient},
		{"another client's, redeemed", device.Redeemed, "other", decided, device.ErrForeignClient},
		{"a client_id in another case", device.Pending, "Difyctl", begun, device.ErrForeignClient},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := in(t, c.from)
			before := a.Snapshot()
			if err := a.CheckPoll(c.client, c.at); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if a.Snapshot() != before {
				t.Errorf("got %+v after a check, want it unchanged", a.Snapshot())
			}
		})
	}
}

// A poll's refusals have the error codes that clients know (contract §2), and HTTP
// clients get them with 400.
func TestPollErrorCodes(t *testing.T) {
	if device.ErrForeignClient.Code != "expired_token" || device.ErrForeignClient == device.ErrExpiredToken {
		t.Errorf("got %v, want an error of its own with the code expired_token", device.ErrForeignClient)
	}
	for err, code := range map[error]string{
		device.ErrAuthorizationPending: "authorization_pending", device.ErrSlowDown: "slow_down",
		device.ErrAccessDenied: "access_denied", device.ErrExpiredToken: "expired_token",
	} {
		if err.Error()[:len(code)+1] != code+":" {
			t.Errorf("got %v, want the code %s", err, code)
		}
	}
}

func TestAnApprovalOfTheLastMomentLivesAMinute(t *testing.T) {
	expiry := begun.Add(ttl)
	for _, c := range []struct {
		decided, at time.Time
		want        error
	}{
		{expiry.Add(-1), expiry, nil},
		{expiry.Add(-1), expiry.Add(time.Minute - 2), nil},
		{expiry.Add(-1), expiry.Add(time.Minute - 1), device.ErrExpiredToken},
		{expiry.Add(-30 * second), expiry.Add(30*second - 1), nil},
		{expiry.Add(-30 * second), expiry.Add(30 * second), device.ErrExpiredToken},
		{expiry.Add(-time.Minute), expiry.Add(-1), nil},
		{expiry.Add(-time.Minute), expiry, device.ErrExpiredToken},
		{expiry.Add(-2 * time.Minute), expiry.Add(-1), nil},
		{expiry.Add(-2 * time.Minute), expiry, device.ErrExpiredToken},
	} {
		a := start(t)
		if _, err := a.Approve(decision(proof.Approve, a, alice(t), c.decided), life, away); err != nil {
			t.Fatal(err)
		}
		if err := a.Redeem(c.at, home); !errors.Is(err, c.want) {
			t.Errorf("approved %s and redeemed %s after expiry: got %v, want %v", c.decided.Sub(expiry), c.at.Sub(expiry), err, c.want)
		}
	}
	a := start(t)
	if _, err := a.Deny(decision(proof.Deny, a, alice(t), expiry.Add(-1)), "", away); err != nil {
		t.Fatal(err)
	}
	if err := a.CheckPoll("", expiry); !errors.Is(err, device.ErrExpiredToken) {
		t.Errorf("got %v for a denial after the expiry, want %v", err, device.ErrExpiredToken)
	}
}

func TestARedemptionKeepsItsTimeAndAddress(t *testing.T) {
	a := in(t, device.Approved)
	at := begun.Add(2 * time.Minute)
	if err := a.Redeem(at, away); err != nil {
		t.Fatal(err)
	}
	if s := a.Snapshot(); !a.IsRedeemed() || !s.RedeemedAt.Equal(at) || s.RedeemedFrom != away.IP {
		t.Errorf("got %+v, want it redeemed at %s from %s", s, at, away.IP)
	}
}

// Contract §2: one later, well-paced poll within 30 s, from the same address,
// while the token was never used.
func TestRepeatOfARedemption(t *testing.T) {
	redeemed := begun.Add(time.Minute)
	gap := device.StandardTiming.Gap()
	use := func(t *testing.T, tok *token.AccessToken) {
		t.Helper()
		if _, _, err := tok.RecordUse(redeemed, away); err != nil {
			t.Fatal(err)
		}
	}
	revoke := func(_ *testing.T, tok *token.AccessToken) {
		tok.Revoke("by_owner", audit.ClientOf("difyctl"), redeemed, away)
	}
	elsewhere := request.Origin{IP: netip.MustParseAddr("192.0.2.2")}
	for _, c := range []struct {
		what   string
		after  time.Duration
		by     request.Origin
		before func(*testing.T, *device.Authorization, *token.AccessToken)
		want   error
	}{
		{"at once", 0, home, nil, device.ErrSlowDown},
		{"just too early", gap - 1, home, nil, device.ErrSlowDown},
		{"too early, from elsewhere", gap - 1, elsewhere, nil, device.ErrSlowDown},
		{"a gap later", gap, home, nil, nil},
		{"in the last moment", 30*second - 1, home, nil, nil},
		{"too late", 30 * second, home, nil, device.ErrExpiredToken},
		{"from elsewhere", gap, elsewhere, nil, device.ErrExpiredToken},
		{"from nowhere known", gap, request.Origin{}, nil, device.ErrExpiredToken},
		{"after its use", gap, home, func(t *testing.T, _ *device.Authorization, tok *token.AccessToken) { use(t, tok) }, device.ErrExpiredToken},
		{"after its revocation", gap, home, func(t *testing.T, _ *device.Authorization, tok *token.AccessToken) { revoke(t, tok) }, device.ErrExpiredToken},
		{"after it was withdrawn as not delivered", gap, home, func(t *testing.T, a *device.Authorization, tok *token.AccessToken) {
			if err := a.MarkUndelivered(tok); err != nil {
				t.Fatal(err)
			}
			revoke(t, tok)
		}, nil},
		{"a second time", 2 * gap, home, func(t *testing.T, a *device.Authorization, tok *token.AccessToken) {
			if err := a.Repeat(tok, device.StandardTiming, redeemed.Add(gap), home); err != nil {
				t.Fatal(err)
			}
		}, device.ErrExpiredToken},
		{"a second time, too early", 2*gap - 1, home, func(t *testing.T, a *device.Authorization, tok *token.AccessToken) { // F58
			if err := a.Repeat(tok, device.StandardTiming, redeemed.Add(gap), home); err != nil {
				t.Fatal(err)
			}
		}, device.ErrSlowDown},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := in(t, device.Redeemed)
			tok := issued(t, a)
			if c.before != nil {
				c.before(t, a, tok)
			}
			before := a.Snapshot()
			err := a.Repeat(tok, device.StandardTiming, redeemed.Add(c.after), c.by)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if s := a.Snapshot(); err != nil && s != before {
				t.Errorf("got %+v after a refused repetition, want it unchanged", s)
			} else if err == nil && (!s.Repeated || s.Undelivered) {
				t.Errorf("got %+v after a repetition, want it repeated and delivered", s)
			}
		})
	}
	t.Run("for another token", func(t *testing.T) {
		a, other := in(t, device.Redeemed), in(t, device.Redeemed)
		if err := a.Repeat(issued(t, other), device.StandardTiming, redeemed.Add(gap), home); !errors.Is(err, device.ErrExpiredToken) {
			t.Errorf("got %v, want %v", err, device.ErrExpiredToken)
		}
	})
}

// Case D01: a client that asks exactly at the advertised interval is answered
// each time; a jittery one is forgiven half a second.
func TestTheAdvertisedIntervalIsLongEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.IntRange(1, 60).Draw(t, "interval")) * second
		timing := device.Timing{TTL: ttl, Interval: interval}
		if gap := timing.Gap(); gap <= 0 || gap >= interval || interval-gap != 500*time.Millisecond {
			t.Errorf("got a gap of %s for %s, want half a second less", gap, interval)
		}
	})
}

func TestRevokeUndeliveredKeepsAUsedToken(t *testing.T) {
	a := in(t, device.Redeemed)
	tok := issued(t, a)
	if _, _, err := tok.RecordUse(begun.Add(2*time.Minute), away); err != nil {
		t.Fatal(err)
	}
	before := a.Snapshot()
	if err := a.MarkUndelivered(tok); err == nil || a.Snapshot() != before {
		t.Errorf("got %v, want an error and nothing withdrawn", err)
	}
	if err := a.MarkUndelivered(issued(t, in(t, device.Redeemed))); err == nil {
		t.Error("got no error for another token, want one")
	}
}

// Case F14: the browser, and the polls, may come from elsewhere; it is noted once.
func TestAPollFromAnotherNetworkIsRecordedOnce(t *testing.T) {
	a := start(t)
	if _, changed := a.RecordPollOrigin(begun, home); changed || a.Snapshot().PolledElsewhere {
		t.Error("got a poll from home taken for one from elsewhere, want no change")
	}
	e, changed := a.RecordPollOrigin(begun, away)
	if e.CreationIP != home.IP || e.AuthorizationID != a.Snapshot().ID { // F31
		t.Errorf("got the event %+v, want the address of the start and the authorization's id", e)
	}
	if !changed || e.Kind != audit.DeviceCodeCrossIP || e.Origin != away || !a.Snapshot().PolledElsewhere {
		t.Errorf("got the event %+v (%v), want a poll from elsewhere by %s", e, changed, away.IP)
	}
	if _, changed := a.RecordPollOrigin(begun, away); changed {
		t.Error("got a second poll from elsewhere recorded, want it once")
	}
}

// F65: addresses of different families, and missing ones, cannot be compared.
func TestNetworksAreComparedOnlyWhereTheyCanBe(t *testing.T) {
	for _, c := range []struct {
		from, ip string
		want     device.NetworkMatch
	}{
		{"192.0.2.1", "192.0.2.1", device.SameNetwork},
		{"192.0.2.1", "192.0.2.255", device.SameNetwork},
		{"192.0.2.1", "192.0.3.1", device.OtherNetwork},
		{"192.0.2.1", "::ffff:192.0.2.9", device.SameNetwork},
		{"::ffff:192.0.2.1", "192.0.2.9", device.SameNetwork},
		{"2001:db8:1:2::1", "2001:db8:1:ffff::9", device.SameNetwork},
		{"2001:db8:1:2::1", "2001:db8:2:2::1", device.OtherNetwork},
		{"fe80::1%a", "fe80::2%b", device.SameNetwork},
		{"192.0.2.1", "2001:db8::1", device.UnknownNetwork},
		{"2001:db8::1", "192.0.2.1", device.UnknownNetwork},
		{"", "192.0.2.1", device.UnknownNetwork},
		{"192.0.2.1", "", device.UnknownNetwork},
		{"", "", device.UnknownNetwork},
	} {
		address := func(text string) netip.Addr {
			a, _ := netip.ParseAddr(text)
			return a
		}
		a, _, _ := device.Start(difyctl, device.Label{}, scope.Set{}, device.StandardTiming, begun, request.Origin{IP: address(c.from)})
		if got := a.NetworkMatchFor(request.Origin{IP: address(c.ip)}); got != c.want {
			t.Errorf("device at %q, person at %q: got %s, want %s", c.from, c.ip, got, c.want)
		}
		behind := request.Origin{IP: address(c.ip), BehindUnknownProxy: true} // F34
		if got := a.NetworkMatchFor(behind); got != device.UnknownNetwork {
			t.Errorf("device at %q, person at %q behind an unknown proxy: got %s, want unknown", c.from, c.ip, got)
		}
	}
}

func TestAPendingHintExpiresWithItsCode(t *testing.T) {
	a := start(t)
	for at, want := range map[time.Duration]time.Duration{
		0: 15 * second, ttl - 16*second: 15 * second, ttl - 15*second: 15 * second, ttl - 3*second: 3 * second, ttl: 0,
	} {
		if got := a.PendingHintTTL(begun.Add(at)); got != want {
			t.Errorf("%s after the start: %s, want %s", at, got, want)
		}
	}
}

func TestAnImpossibleStateIsNotRestored(t *testing.T) {
	for status, spoils := range map[device.Status]map[string]func(*device.Snapshot){
		device.Pending: {
			"decided by a person":  func(s *device.Snapshot) { s.Subject = alice(t) },
			"decided at some time": func(s *device.Snapshot) { s.DecidedAt = begun },
			"with a token":         func(s *device.Snapshot) { s.TokenID = uid.New(begun) },
			"redeemed":             func(s *device.Snapshot) { s.RedeemedAt = begun },
			"repeated":             func(s *device.Snapshot) { s.Repeated = true },
			"not delivered":        func(s *device.Snapshot) { s.Undelivered = true },
		},
		device.Denied: {
			"no subject":   func(s *device.Snapshot) { s.Subject = identity.Subject{} },
			"at no time":   func(s *device.Snapshot) { s.DecidedAt = time.Time{} },
			"with a token": func(s *device.Snapshot) { s.TokenID = uid.New(begun) },
			"redeemed":     func(s *device.Snapshot) { s.RedeemedAt = begun },
		},
		device.Approved: {
			"no subject":      func(s *device.Snapshot) { s.Subject = identity.Subject{} },
			"at no time":      func(s *device.Snapshot) { s.DecidedAt = time.Time{} },
			"without a token": func(s *device.Snapshot) { s.TokenID = uid.ID{} },
			"redeemed":        func(s *device.Snapshot) { s.RedeemedAt = begun },
			"repeated":        func(s *device.Snapshot) { s.Repeated = true },
		},
		device.Redeemed: {
			"no subject":          func(s *device.Snapshot) { s.Subject = identity.Subject{} },
			"without a token":     func(s *device.Snapshot) { s.TokenID = uid.ID{} },
			"at no time":          func(s *device.Snapshot) { s.RedeemedAt = time.Time{} },
			"in an unknown state": func(s *device.Snapshot) { s.Status = "consumed" },
			"in no state":         func(s *device.Snapshot) { s.Status = "" },
			"without an id":       func(s *device.Snapshot) { s.ID = uid.ID{} },
			"without a code":      func(s *device.Snapshot) { s.Code = secret.Digest{} },
			"without a user code": func(s *device.Snapshot) { s.UserCode = device.UserCode{} },
			"without a client":    func(s *device.Snapshot) { s.ClientID = "" },
			"without an expiry":   func(s *device.Snapshot) { s.ExpiresAt = time.Time{} },
		},
	} {
		for what, spoil := range spoils {
			s := in(t, status).Snapshot()
			if _, err := device.Restore(s); err != nil {
				t.Fatalf("Restore(%s): got %v, want no error", status, err)
			}
			spoil(&s)
			if a, err := device.Restore(s); err == nil || a != nil {
				t.Errorf("%s, %s: got %+v, want an error", status, what, a)
			}
		}
	}
}

// Whatever is tried in whatever order: nothing refused leaves a trace, there is
// one redemption at most, decisions stay, and all of it can be stored.
func TestNoSequenceOfMovesBreaksTheRules(t *testing.T) {
	names := slices.Sorted(maps.Keys(moves))
	rapid.Check(t, func(r *rapid.T) {
		a, at := start(t), begun
		var redeemed, repeated int
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			at = at.Add(rapid.SampledFrom([]time.Duration{0, 1, second, 5 * second, 10 * second, 4 * time.Minute, 14 * time.Minute}).Draw(r, "wait"))
			name := rapid.SampledFrom(names).Draw(r, "move")
			before := a.Snapshot()
			_, err := moves[name](t, a, at)
			after := a.Snapshot()
			if err != nil && after != before {
				r.Fatalf("%s refused with %v: got %+v, want %+v unchanged", name, err, after, before)
			}
			if err == nil && name == "redeem" {
				redeemed++
			}
			if err == nil && name == "repeat" {
				repeated++
			}
			if before.Status == device.Denied && after.Status != device.Denied ||
				before.Status == device.Redeemed && after.Status != device.Redeemed ||
				!before.Subject.IsZero() && (after.Subject != before.Subject || name != "undo" && name != "withdraw" && name != "cancel" && after.TokenID != before.TokenID) {
				r.Fatalf("%s: got %+v, want the decision kept of %+v", name, after, before)
			}
			if back, err := device.Restore(after); err != nil || back.Snapshot() != after {
				r.Fatalf("Restore(after %s): got %v, want the same %+v", name, err, after)
			}
		}
		if redeemed > 1 || repeated > 1 {
			r.Fatalf("got %d redemptions and %d repetitions, want at most 1 of each", redeemed, repeated)
		}
	})
}
