package application_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
)

func (s *fixture) lookUp(typed, from string) (application.LookedUp, error) {
	return s.LookUp.Execute(s.t.Context(), typed, applicationtest.From(from))
}

// spellings are ways in which people type a code (D16).
func spellings(code device.UserCode) map[string]string {
	shown := code.String()
	bare := strings.ReplaceAll(shown, "-", "")
	wide := strings.Map(func(r rune) rune {
		if r == '-' {
			return '－'
		}
		return r + 0xFEE0
	}, shown)
	return map[string]string{
		"as shown": shown, "small letters": strings.ToLower(shown), "no dash": bare,
		"a blank for the dash": bare[:4] + " " + bare[4:], "blanks everywhere": strings.Join(strings.Split(bare, ""), " "),
		"an en dash": bare[:4] + "–" + bare[4:], "a dash that does not break": bare[:4] + "\u2011" + bare[4:],
		"a minus": bare[:4] + "−" + bare[4:], "full width": wide, "no width in between": bare[:4] + "\u200b-\ufeff" + bare[4:],
		"a line end": shown + "\r\n", "a tab before it": "\t" + shown, "a blank that does not break": "\u00a0" + shown + "\u00a0",
	}
}

func TestACodeIsFoundHoweverItIsTyped(t *testing.T) { // D16
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	for name, typed := range spellings(started.UserCode) {
		found, err := s.lookUp(typed, home)
		must(t, err)
		if !found.Valid || found.UserCode != started.UserCode || found.ClientID != "difyctl" {
			t.Errorf("lookUp(%q), %s: got %+v, want the code %v of difyctl", typed, name, found, started.UserCode)
		}
		if found.Allowance.Remaining != quota.LookUpDevice.Max-1 {
			t.Errorf("%s: got %d attempts left, want %d: a code is counted once", name, found.Allowance.Remaining, quota.LookUpDevice.Max-1)
		}
		if _, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: typed, Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)}); err != nil {
			t.Errorf("Initiate(%q), %s: got %v, want no error", typed, name, err)
		}
	}
}

func TestOneAddressCannotUseUpTheWrongCodeBudget(t *testing.T) { // D36
	limits := quota.Configure(5, 60)
	s := newFixture(t, applicationtest.Options{Limits: &limits})
	started := s.start(laptop)
	for range 20 {
		for _, typed := range []string{"HELLO", "WDJB-M3HT", "wdjb m3ht"} {
			if _, err := s.lookUp(typed, office); err != nil {
				t.Fatalf("lookUp(%q) = %v, want no error: a repeated code is counted once", typed, err)
			}
		}
	}
	if found, err := s.lookUp(started.UserCode.String(), home); err != nil || !found.Valid {
		t.Fatalf("lookUp(the right code) = %+v, %v, want it found: repeated guesses of another address count once", found, err)
	}
	for _, from := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"} {
		if _, err := s.lookUp("WDJB-M3HT", from); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.lookUp(started.UserCode.String(), home)
	is(t, err, quota.ErrExceeded)
}

// F02: an IPv6 customer has a /48 of networks, and one share of the budget.
func TestAnIPv6Prefix48SharesOnePartOfTheWrongCodeBudget(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	refused := 0
	for network := range 110 {
		for range 60 {
			if _, err := s.lookUp(device.NewUserCode().String(), fmt.Sprintf("2001:db8:7:%x::1", network)); err != nil {
				is(t, err, quota.ErrExceeded)
				refused++
			}
		}
	}
	if want := 110*60 - 600; refused != want {
		t.Errorf("refused guesses of one /48: got %d, want %d", refused, want)
	}
	if found, err := s.lookUp(started.UserCode.String(), home); err != nil || !found.Valid {
		t.Errorf("another network: got %v, %v, want the code", found.Valid, err)
	}
	_, err := s.lookUp(started.UserCode.String(), "2001:db8:7:ffff::1")
	is(t, err, quota.ErrExceeded) // right codes too, or the refusal would show which are right
}

func TestLookUpReturnsTheTimeLeft(t *testing.T) { // D41
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	for _, c := range []struct{ pass, left time.Duration }{
		{0, 900 * time.Second},
		{300 * time.Second, 600 * time.Second},
		{595 * time.Second, 5 * time.Second},
		{5 * time.Second, 0},
	} {
		s.Clock.Advance(c.pass)
		found, err := s.lookUp(started.UserCode.String(), home)
		must(t, err)
		if found.Remaining != c.left || found.Valid != (c.left > 0) {
			t.Errorf("%v are left, want %v", found.Remaining, c.left)
		}
	}
}

func TestUnknownExpiredAndUsedCodesLookAlike(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	approved := s.login(laptop)
	denied, redeemed, expired := s.start(laptop), s.login("desk"), s.start(laptop)
	_, err := s.Deny.Execute(t.Context(), s.proof(s.signIn(denied.UserCode, "ann@acme.example"), denied.UserCode), denied.UserCode, applicationtest.From(home))
	must(t, err)
	s.redeem(redeemed.Code)
	for name, typed := range map[string]string{
		"approved": approved.UserCode.String(), "denied": denied.UserCode.String(), "redeemed": redeemed.UserCode.String(),
		"unknown": device.NewUserCode().String(), "impossible": "0000-1111", "nonsense": "hello", "long": strings.Repeat("A", 5000),
	} {
		found, err := s.lookUp(typed, home)
		must(t, err)
		if found.Valid || found.ClientID != "" || found.Remaining != 0 || !found.UserCode.IsZero() {
			t.Errorf("lookUp(%s) = %+v, want nothing of the authorization", name, found)
		}
	}
	s.Clock.Advance(lifetime)
	found, err := s.lookUp(expired.UserCode.String(), office)
	must(t, err)
	if found.Valid {
		t.Errorf("lookUp(an expired code) = %+v, want it not valid", found)
	}
}

func TestARightCodeDoesNotResetTheWrongCodeCount(t *testing.T) { // D36
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	refused := 0
	for i := range 200 {
		typed := device.NewUserCode().String()
		if i == 30 {
			typed = started.UserCode.String()
		}
		found, err := s.lookUp(typed, home)
		if i == 30 && !found.Valid {
			t.Errorf("lookUp(the right code) = %+v, %v, want it found", found, err)
		}
		if err != nil {
			is(t, err, quota.ErrExceeded)
			if found.Allowance.Reset != 5*time.Minute {
				t.Fatalf("got a reset in %v, want 5m", found.Allowance.Reset)
			}
			refused++
		}
	}
	if refused != 140 {
		t.Errorf("got %d guesses refused, want 140", refused)
	}
	if _, err := s.lookUp(device.NewUserCode().String(), office); err != nil {
		t.Errorf("lookUp(from another address) = %v, want no error", err)
	}
	// The person who shows the code has been counted already.
	if _, err := s.lookUp(started.UserCode.String(), home); err != nil {
		t.Errorf("lookUp(a code that was tried before) = %v, want no error", err)
	}
}

func TestWrongCodesOfAllAddressesAreCountedTogether(t *testing.T) {
	limits := quota.Configure(10, 60)
	s := newFixture(t, applicationtest.Options{Limits: &limits})
	started := s.start(laptop)
	for i := range 10 {
		_, err := s.lookUp(device.NewUserCode().String(), "203.0.113."+string(rune('1'+i%9)))
		must(t, err)
	}
	// Right codes are refused, too: else the refusal would show which are right.
	for _, typed := range []string{started.UserCode.String(), device.NewUserCode().String()} {
		found, err := s.lookUp(typed, office)
		is(t, err, quota.ErrExceeded)
		if found.Allowance.Limit.Max != 10 || found.Allowance.Reset <= 0 {
			t.Errorf("got the allowance %+v, want the limit of 10 and a reset", found.Allowance)
		}
		is(t, err, application.ErrSignInFirst)
	}
	s.Clock.Advance(time.Hour)
	_, err := s.lookUp(started.UserCode.String(), office)
	must(t, err)
}

// F02: a budget that is used up stops no person who signs in first. The code is
// then asked for after the sign-in, and counted per person.
func TestACodeIsAskedForAfterTheSignInWhenTheLimitIsReached(t *testing.T) {
	limits := quota.Configure(3, 60)
	s := newFixture(t, applicationtest.Options{Limits: &limits, Policy: policy.Must(policy.Settings{Preset: policy.Parity, RequireTypedCode: true})})
	started := s.start(laptop)
	for range 3 {
		_, err := s.lookUp(device.NewUserCode().String(), "203.0.113.1")
		must(t, err)
	}
	for _, typed := range []string{started.UserCode.String(), "no code at all"} { // both look alike
		out, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: typed, Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
		must(t, err)
		if s.Broker.Last().UserCode == started.UserCode || out.Redirect.URL == "" {
			t.Fatalf("%q: got %+v, want a sign-in without the code", typed, out)
		}
	}
	signIn := func(email string) approval.Proof {
		out, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: "x", Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
		must(t, err)
		ticket, err := s.accept("ok " + secret.Random("", 9).Reveal() + " " + email)
		must(t, err)
		completed, err := s.Complete.Execute(t.Context(), ticket, application.Completion{Mount: connection.Canonical, Browser: out.Browser, Origin: applicationtest.From(home)})
		must(t, err)
		described, err := s.SignIn.Execute(t.Context(), completed.Session)
		must(t, err)
		if !completed.NeedsCode || !described.NeedsCode || described.Purpose != approval.ApproveDevice {
			t.Fatalf("got %+v and %+v, want a sign-in that needs a code", completed, described)
		}
		_, err = s.Describe.Execute(t.Context(), completed.Session, device.UserCode{}, applicationtest.From(home))
		is(t, err, approval.ErrNoSession)
		return approval.Proof{Session: completed.Session, CSRF: described.CSRF}
	}
	enter := func(by approval.Proof, typed string) error {
		_, _, err := s.EnterCode.Execute(t.Context(), by, typed, applicationtest.From(home))
		return err
	}

	eve := signIn("eve@acme.example")
	for range quota.EnterCode.Max {
		is(t, enter(eve, device.NewUserCode().String()), device.ErrInvalidUserCode)
	}
	is(t, enter(eve, started.UserCode.String()), quota.ErrExceeded)

	ann := signIn("ann@acme.example")
	is(t, enter(approval.Proof{Session: ann.Session, CSRF: approval.ParseCSRF("wrong")}, started.UserCode.String()), approval.ErrCSRF)
	for range 2 * quota.EnterCode.Max {
		is(t, enter(ann, "wdjb m3ht"), device.ErrInvalidUserCode) // one wrong code counts once
	}
	must(t, enter(ann, strings.ToLower(started.UserCode.String())))
	_, err := s.Approve.Execute(t.Context(), s.proof(ann.Session, started.UserCode), started.UserCode, applicationtest.From(home))
	must(t, err) // the code was typed, as the policy asks
	s.redeem(started.Code)
}
