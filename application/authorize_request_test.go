package application_test

import (
	"testing"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/token"
)

func TestAuthorizeRequest(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	r := s.redeem(started.Code)
	ask := func(required ...string) error {
		_, err := s.Authorize.Execute(t.Context(), r.Secret, required, applicationtest.From(office))
		return err
	}
	is(t, ask(), nil)
	is(t, ask("apps:run"), nil)
	is(t, ask("apps:run", "apps:read:permitted-external"), nil)
	is(t, ask("apps:run", "admin"), token.ErrInsufficientScope)
	is(t, ask("full"), token.ErrInsufficientScope)

	// The request was a use: no replacement secret is given out any more.
	s.Clock.Advance(interval)
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrExpiredToken)

	for range 100 { // the token's own limit is not counted
		is(t, ask(), nil)
	}
	must(t, s.RevokeToken.Execute(t.Context(), r.Secret, "", applicationtest.From(home)))
	is(t, ask(), token.ErrInvalid)
	is(t, ask("admin"), token.ErrInvalid)
}
