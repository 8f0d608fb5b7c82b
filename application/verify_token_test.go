package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/token"
)

func TestTheFirstUseIsOnRecordBeforeItIsAnswered(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	const used = "last_used_at IS NOT NULL"
	if s.Count(t, "oauth_access_tokens", used) != 0 {
		t.Error("it was used before")
	}
	must(t, s.opens(r))
	if s.Count(t, "oauth_access_tokens", used) != 1 {
		t.Error("its use was not noted")
	}
	noted := s.Dump(t)
	s.Clock.Pass(time.Minute - time.Microsecond)
	must(t, s.opens(r))
	if s.Dump(t) != noted {
		t.Error("every use is a write")
	}
	s.Clock.Pass(time.Microsecond)
	must(t, s.opens(r))
	if s.Dump(t) == noted {
		t.Error("a use after a minute was not noted")
	}
}

func TestATokenWhoseTimeIsUpIsBuriedOnce(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	s.Clock.Pass(time.Duration(applicationtest.TokenLife) - time.Microsecond)
	is(t, s.opens(r), nil)
	s.Clock.Pass(time.Microsecond)
	for range 3 {
		is(t, s.opens(r), token.ErrInvalid)
	}
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved oauth.token_minted oauth.token_first_used oauth.token_expired")
	if s.live() != 0 {
		t.Errorf("%d tokens are alive", s.live())
	}
}

func TestTokensNobodyIssuedOpenNothing(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
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
	s := newStage(t, applicationtest.Options{})
	one, two := s.redeem(s.login("one").Code), s.redeem(s.login("two").Code)
	for range 60 {
		must(t, s.opens(one))
	}
	is(t, s.opens(one), quota.ErrExceeded)
	_, err := s.Verify.Authenticate(t.Context(), one.Secret, applicationtest.From(home))
	is(t, err, nil)
	is(t, s.opens(two), nil)
	s.Clock.Pass(time.Minute)
	is(t, s.opens(one), nil)
}

func TestTheLimitByTokenCanBeSwitchedOff(t *testing.T) {
	limits := quota.Configure(6000, 0)
	s := newStage(t, applicationtest.Options{Limits: &limits})
	r := s.redeem(s.login(laptop).Code)
	for range 200 {
		must(t, s.opens(r))
	}
}
