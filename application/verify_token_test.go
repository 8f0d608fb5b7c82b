package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

func TestTheFirstUseIsRecordedBeforeItIsAnswered(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	lastUsed := func() time.Time { return s.Token(t, r.Token.Snapshot().ID).LastUsedAt }
	if got := lastUsed(); !got.IsZero() {
		t.Errorf("before its first use: got %s, want never", got)
	}
	first := s.Clock.Now()
	must(t, s.verifyRedeemed(r))
	if got := lastUsed(); !got.Equal(first) {
		t.Errorf("after its first use: got %s, want %s", got, first)
	}
	s.Clock.Advance(time.Minute - time.Microsecond)
	must(t, s.verifyRedeemed(r))
	if got := lastUsed(); !got.Equal(first) {
		t.Errorf("within a minute: got %s, want %s", got, first)
	}
	s.Clock.Advance(time.Microsecond)
	must(t, s.verifyRedeemed(r))
	if got := lastUsed(); !got.Equal(s.Clock.Now()) {
		t.Errorf("after a minute: got %s, want %s", got, s.Clock.Now())
	}
	if got := s.Count(t, audit.TokenFirstUsed); got != 1 {
		t.Errorf("got %d events of a first use, want 1", got)
	}
}

func TestATokenExpiryIsRecordedOnce(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	s.Clock.Advance(time.Duration(applicationtest.TokenLife) - time.Microsecond)
	is(t, s.verifyRedeemed(r), nil)
	s.Clock.Advance(time.Microsecond)
	for range 3 {
		is(t, s.verifyRedeemed(r), token.ErrInvalid)
	}
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved oauth.token_minted oauth.token_first_used oauth.token_expired")
	if s.live() != 0 {
		t.Errorf("got %d tokens alive, want 0", s.live())
	}
}

func TestUnknownTokensAreRefused(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for _, text := range []string{"dfoe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "dfoa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		presented, err := token.ParseSecret(text)
		must(t, err)
		_, err = s.Verify.Execute(t.Context(), presented, applicationtest.From(home))
		is(t, err, token.ErrInvalid)
		_, err = s.Verify.Authenticate(t.Context(), presented, applicationtest.From(home))
		is(t, err, token.ErrInvalid)
	}
	s.history("")
}

func TestRequestsAreCountedByToken(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	one, two := s.redeem(s.login("one").Code), s.redeem(s.login("two").Code)
	for range 60 {
		must(t, s.verifyRedeemed(one))
	}
	is(t, s.verifyRedeemed(one), quota.ErrExceeded)
	_, err := s.Verify.Authenticate(t.Context(), one.Secret, applicationtest.From(home))
	is(t, err, nil)
	is(t, s.verifyRedeemed(two), nil)
	s.Clock.Advance(time.Minute)
	is(t, s.verifyRedeemed(one), nil)
}

func TestTheLimitByTokenCanBeSwitchedOff(t *testing.T) {
	limits := quota.Configure(6000, 0)
	s := newFixture(t, applicationtest.Options{Limits: &limits})
	r := s.redeem(s.login(laptop).Code)
	for range 200 {
		must(t, s.verifyRedeemed(r))
	}
}

func TestALaterUseThatCannotBeRecordedIsAllowed(t *testing.T) { // F57
	broken := &failingUpdates{}
	s := newFixture(t, applicationtest.Options{Around: func(store ports.Store) ports.Store {
		broken.Store = store
		return broken
	}})
	used, fresh := s.redeem(s.login("used").Code), s.redeem(s.login("fresh").Code)
	must(t, s.verifyRedeemed(used))
	s.Clock.Advance(time.Minute)
	broken.failing = true
	is(t, s.verifyRedeemed(used), nil)
	is(t, s.verifyRedeemed(fresh), fault.ErrUnavailable) // the first use has to be on record
	broken.failing = false
	is(t, s.verifyRedeemed(used), nil)
	is(t, s.verifyRedeemed(fresh), nil)
	if got := s.Token(t, used.Token.Snapshot().ID).LastUsedAt; !got.Equal(s.Clock.Now()) {
		t.Errorf("last use: got %s, want %s", got, s.Clock.Now())
	}
}
