package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

func (s *stage) sessions(number, limit int) application.Sessions {
	s.t.Helper()
	page, err := application.NewPage(number, limit)
	must(s.t, err)
	email, err := identity.ParseEmail("ann@acme.example")
	must(s.t, err)
	out, err := s.ListSessions.Execute(s.t.Context(), email, applicationtest.Issuer("acme"), page)
	must(s.t, err)
	return out
}

func TestListSessions(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	for _, label := range []string{"one", "two", "three"} {
		s.redeem(s.login(label).Code)
		s.Clock.Pass(time.Second)
	}
	ben := s.start("ben's")
	s.approve(ben.UserCode, "ben@acme.example")
	s.redeem(ben.Code)
	for _, c := range []struct {
		number, limit int
		labels        []string
		more          bool
	}{
		{1, 200, []string{"three", "two", "one"}, false},
		{1, 2, []string{"three", "two"}, true},
		{2, 2, []string{"one"}, false},
		{1, 3, []string{"three", "two", "one"}, false},
		{3, 2, nil, false},
		{1_000_000, 200, nil, false},
	} {
		got := s.sessions(c.number, c.limit)
		if got.Total != 3 || got.More != c.more || len(got.Tokens) != len(c.labels) {
			t.Errorf("page %d of %d: %+v", c.number, c.limit, got)
			continue
		}
		for i, label := range c.labels {
			if got.Tokens[i].Snapshot().Device.Label != label {
				t.Errorf("page %d of %d: entry %d is %s, want %s", c.number, c.limit, i, got.Tokens[i].Snapshot().Device.Label, label)
			}
		}
	}
	s.Clock.Pass(time.Duration(applicationtest.TokenLife))
	if got := s.sessions(1, 100); got.Total != 0 {
		t.Errorf("%d sessions outlive their tokens", got.Total)
	}
}

func TestPagesThatThereCannotBe(t *testing.T) {
	for _, c := range []struct{ number, limit int }{{0, 1}, {-1, 1}, {1, 0}, {1, 201}, {1, -5}} {
		_, err := application.NewPage(c.number, c.limit)
		is(t, err, application.ErrInvalidPage)
	}
}

func TestRevokeSession(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	of := r.Token.Snapshot()
	eve, err := identity.ParseEmail("eve@acme.example")
	must(t, err)
	end := func(id uid.ID, email identity.Email, issuer string) error {
		return s.RevokeSession.Execute(t.Context(), id, email, issuer, applicationtest.From(office))
	}
	is(t, end(of.ID, eve, of.Device.Issuer), fault.ErrNotFound)
	is(t, end(of.ID, of.Device.Email, applicationtest.Issuer("beta")), fault.ErrNotFound)
	is(t, end(uid.New(s.Clock.Now()), of.Device.Email, of.Device.Issuer), fault.ErrNotFound)
	is(t, s.opens(r), nil)

	is(t, end(of.ID, of.Device.Email, of.Device.Issuer), nil)
	is(t, end(of.ID, of.Device.Email, of.Device.Issuer), nil)
	is(t, end(of.ID, eve, of.Device.Issuer), fault.ErrNotFound)
	is(t, s.opens(r), token.ErrInvalid)
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved oauth.token_minted oauth.token_first_used oauth.token_revoked(by_owner)")
}
