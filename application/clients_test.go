package application_test

import (
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/scope"
)

// difyctl changes what is configured of the client.
func (s *fixture) difyctl(change func(*client.Settings)) {
	s.t.Helper()
	settings := client.Settings{ID: "difyctl", Name: "Dify CLI"}
	change(&settings)
	s.KnowClients(s.t, settings, client.Settings{ID: "tv"})
}

func suspended(s *client.Settings) { s.Suspended = true }

func TestASuspendedClientGetsNothing(t *testing.T) {
	everyThrottle(t, func(t *testing.T, s *fixture) {
		waiting, signedIn, approved, redeemed := s.start("waiting"), s.start("signed in"), s.login("approved"), s.login("redeemed")
		proof := s.proof(s.signIn(signedIn.UserCode, "ann@acme.example"), signedIn.UserCode)
		live := s.redeem(redeemed.Code)
		s.difyctl(suspended)

		_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Origin: applicationtest.From(home)})
		is(t, err, client.ErrSuspended)
		for _, code := range []device.Code{waiting.Code, signedIn.Code, approved.Code} {
			_, err = s.poll(code, home)
			is(t, err, device.ErrClientRefused)
		}
		_, err = s.Initiate.Execute(t.Context(), application.Initiate{UserCode: waiting.UserCode.String(), Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
		is(t, err, client.ErrSuspended)
		_, err = s.Approve.Execute(t.Context(), proof, signedIn.UserCode, applicationtest.From(home))
		is(t, err, client.ErrSuspended)
		is(t, s.verifyRedeemed(live), nil) // an issued token stays valid, unless it is revoked

		s.difyctl(func(*client.Settings) {})
		_, err = s.Approve.Execute(t.Context(), proof, signedIn.UserCode, applicationtest.From(home))
		is(t, err, nil)
		s.Clock.Advance(interval)
		is(t, s.verifyRedeemed(s.redeem(signedIn.Code)), nil)
	})
}

func TestARequestOfASuspendedClientCanBeDenied(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	s.difyctl(suspended)
	_, err := s.Deny.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	is(t, err, nil)
}

// A replica can be the last to read a client that another one has started.
func TestAClientThatIsNotKnownYetWaitsAndRedeemsNothing(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	waiting, approved := s.start("waiting"), s.login("approved")
	s.KnowClients(t, client.Settings{ID: "tv"})
	_, err := s.poll(waiting.Code, home)
	is(t, err, device.ErrAuthorizationPending)
	_, err = s.poll(approved.Code, home)
	is(t, err, device.ErrClientRefused)
}

func TestAClientsTokensLiveAsItSays(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.difyctl(func(c *client.Settings) { c.TokenLife = time.Hour })
	live := s.redeem(s.login(laptop).Code)
	if got := live.Token.Snapshot().ExpiresAt.Sub(s.Clock.Now()); got != time.Hour {
		t.Errorf("got a life of %s, want 1h", got)
	}
	s.Clock.Advance(time.Hour)
	if s.verifyRedeemed(live) == nil {
		t.Error("got a token that outlived its client's bound, want it refused")
	}
}

func TestADeviceThatNamesItselfNotIsCalledAsItsClientSays(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.difyctl(func(c *client.Settings) { c.Label = "A terminal" })
	started := s.start("")
	described, err := s.Describe.Execute(t.Context(), s.signIn(started.UserCode, "ann@acme.example"), started.UserCode, applicationtest.From(home))
	must(t, err)
	if described.DeviceLabel != "A terminal" || described.Client.ID() != "difyctl" {
		t.Errorf("got %q of %q, want A terminal of difyctl", described.DeviceLabel, described.Client.ID())
	}
}

func TestAClientMayHaveScopesOfItsOwn(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.difyctl(func(c *client.Settings) { c.Scopes = scope.Restore("orders:read apps:run") })
	start := func(asked string) error {
		_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Scope: asked, Origin: applicationtest.From(home)})
		return err
	}
	is(t, start("orders:read"), nil)
	is(t, start("orders:write"), scope.ErrInvalid)
	is(t, start("full"), scope.ErrInvalid)
	if got := s.redeem(s.login(laptop).Code).Token.Scopes(); len(got) != 2 || got[0] != "orders:read" {
		t.Errorf("got the scopes %q, want orders:read first of two", got)
	}
}

func TestPeopleComeThroughTheClientsConnectionsOnly(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	initiate := func(slug, hint string) error {
		_, err := s.Initiate.Execute(t.Context(), application.Initiate{
			UserCode: s.start(laptop).UserCode.String(), Connection: slug, LoginHint: hint, Mount: connection.Canonical, Origin: applicationtest.From(home),
		})
		return err
	}
	began := s.start("before")
	proof := s.proof(s.signIn(began.UserCode, "ann@acme.example"), began.UserCode)
	for name, c := range map[string]struct {
		allowed    []string
		slug, hint string
		want       error
	}{
		"any":                     {nil, "acme", "", nil},
		"an allowed one":          {[]string{"beta"}, "beta", "", nil},
		"another one":             {[]string{"beta"}, "acme", "", client.ErrConnection},
		"one that does not exist": {[]string{"beta"}, "gamma", "", connection.ErrUnknown},
		"the only allowed one":    {[]string{"beta"}, "", "", nil},
		"one of two":              {[]string{"beta", "acme"}, "", "", connection.ErrChoose},
		"the one of the address":  {[]string{"beta", "acme"}, "", "ann@acme.example", nil},
		"an address of a connection that may not": {[]string{"beta", "post"}, "", "ann@acme.example", connection.ErrChoose},
		"none that exists":                        {[]string{"gone"}, "", "", client.ErrConnection},
	} {
		s.difyctl(func(of *client.Settings) { of.Connections = c.allowed })
		if err := initiate(c.slug, c.hint); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	s.difyctl(func(of *client.Settings) { of.Connections = []string{"beta"} })
	_, err := s.Approve.Execute(t.Context(), proof, began.UserCode, applicationtest.From(home))
	is(t, err, client.ErrConnection) // a sign-in that was begun before the change
	_, err = s.poll(began.Code, home)
	is(t, err, device.ErrAuthorizationPending)
	_, err = s.AccountSignIn.Execute(t.Context(), application.Initiate{Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
	is(t, err, nil) // has no client
}

func TestTheCodeOfASuspendedClientIsNotLookedUp(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	s.difyctl(suspended)
	found, err := s.lookUp(started.UserCode.String(), home)
	is(t, err, client.ErrSuspended)
	if found.Valid {
		t.Errorf("got %+v, want a code that is not usable", found)
	}
	s.KnowClients(t, client.Settings{ID: "another"})
	if found, err := s.lookUp(started.UserCode.String(), home); err != nil || !found.Valid {
		t.Errorf("a client that is not known here yet: got %+v, %v, want its code to be valid", found, err)
	}
}
