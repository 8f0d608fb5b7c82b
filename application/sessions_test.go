package application_test

import (
	"math"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// tokenOf is a token of a person, as the API that checks it sees it.
func tokenOf(t *testing.T, address, issuer string) *token.AccessToken {
	t.Helper()
	email, err := identity.ParseEmail(address)
	must(t, err)
	subject, err := identity.NewSubject(email, issuer, "")
	must(t, err)
	minted, _, _ := token.Mint(token.Order{
		ID: uid.New(time.Now()), Device: token.DeviceOf(subject, "difyctl", laptop), Subject: identity.ExternalSSO, Lifetime: applicationtest.TokenLife,
	}, time.Now(), request.Origin{})
	return minted
}

func (s *fixture) sessions(number, limit int) application.Sessions {
	s.t.Helper()
	page, err := application.NewPage(number, limit)
	must(s.t, err)
	out, err := s.ListSessions.Execute(s.t.Context(), application.OwnerOf(tokenOf(s.t, "ann@acme.example", applicationtest.Issuer("acme"))), page)
	must(s.t, err)
	return out
}

func TestListSessions(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for _, label := range []string{"one", "two", "three"} {
		s.redeem(s.login(label).Code)
		s.Clock.Advance(time.Second)
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
		{1_000_001, 200, nil, false},
		{math.MaxInt, 200, nil, false},
		{math.MaxInt, 1, nil, false},
	} {
		got := s.sessions(c.number, c.limit)
		if got.Total != 3 || got.More != c.more || len(got.Sessions) != len(c.labels) {
			t.Errorf("page %d of %d: got %d sessions of %d, more %t, want %d of 3, more %t", c.number, c.limit, len(got.Sessions), got.Total, got.More, len(c.labels), c.more)
			continue
		}
		for i, label := range c.labels {
			if got.Sessions[i].Label != label {
				t.Errorf("page %d of %d: entry %d is %s, want %s", c.number, c.limit, i, got.Sessions[i].Label, label)
			}
		}
	}
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	if got := s.sessions(1, 100); got.Total != 0 {
		t.Errorf("got %d sessions after their tokens expired, want 0", got.Total)
	}
}

func TestImpossiblePagesAreRefused(t *testing.T) {
	for _, c := range []struct{ number, limit int }{{0, 1}, {-1, 1}, {1, 0}, {1, 201}, {1, -5}} {
		_, err := application.NewPage(c.number, c.limit)
		is(t, err, application.ErrInvalidPage)
	}
}

func TestABearerEndsTheirOwnSessionsOnly(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	end := func(id uid.ID, by *token.AccessToken) error {
		_, err := s.EndSessions.Execute(t.Context(), application.OwnerOf(by), id, applicationtest.From(office))
		return err
	}
	id := r.Token.Snapshot().ID
	eve, elsewhere := tokenOf(t, "eve@acme.example", applicationtest.Issuer("acme")), tokenOf(t, "ann@acme.example", applicationtest.Issuer("beta"))
	is(t, end(id, eve), fault.ErrNotFound)
	is(t, end(id, elsewhere), fault.ErrNotFound)
	is(t, end(uid.New(s.Clock.Now()), r.Token), fault.ErrNotFound)
	is(t, end(uid.ID{}, r.Token), fault.ErrNotFound) // all: only at a browser
	is(t, s.verifyRedeemed(r), nil)

	is(t, end(id, r.Token), nil)
	is(t, end(id, r.Token), nil)
	is(t, end(id, eve), fault.ErrNotFound)
	is(t, s.verifyRedeemed(r), token.ErrInvalid)
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved oauth.token_minted oauth.token_first_used oauth.token_revoked(by_owner)")
}
