package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/token"
)

func TestRevokeTokenEndsWhatIsPresented(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	other := s.redeem(s.login("television").Code)
	revoke := func(presented token.Secret, clientID string) error {
		return s.RevokeToken.Execute(t.Context(), presented, clientID, applicationtest.From(office))
	}
	is(t, revoke(r.Secret, "tv"), token.ErrOtherClient)
	is(t, s.verifyRedeemed(r), nil)

	is(t, revoke(r.Secret, "difyctl"), nil)
	is(t, s.verifyRedeemed(r), token.ErrInvalid)
	is(t, revoke(r.Secret, "difyctl"), nil)
	is(t, revoke(r.Secret, "tv"), nil) // a revoked token belongs to no client
	is(t, s.verifyRedeemed(other), nil)

	is(t, revoke(other.Secret, ""), nil)
	is(t, s.verifyRedeemed(other), token.ErrInvalid)
	if got := s.Count(t, audit.TokenRevoked); got != 2 {
		t.Errorf("got %d revocations on record, want 2", got)
	}
	events := s.Events(t)
	if last := events[len(events)-1]; last.Event != "oauth.token_revoked" || last.Reason != "by_client" || last.ClientID != "difyctl" || last.IP != office {
		t.Errorf("got %+v, want a revocation by the client", last)
	}
}

func TestRevokeTokenRecordsAnExpiryAsOne(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	is(t, s.RevokeToken.Execute(t.Context(), r.Secret, "", applicationtest.From(office)), nil)
	if revoked, expired := s.Count(t, audit.TokenRevoked), s.Count(t, audit.TokenExpired); revoked != 0 || expired != 1 {
		t.Errorf("got %d revocations and %d expiries, want 0 and 1", revoked, expired)
	}
}

func TestRevokeTokenWorksBeyondTheRateLimit(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	for range 61 {
		_ = s.verifyRedeemed(r)
	}
	is(t, s.RevokeToken.Execute(t.Context(), r.Secret, "difyctl", applicationtest.From(home)), nil)
	is(t, s.verifyRedeemed(r), token.ErrInvalid)
}
