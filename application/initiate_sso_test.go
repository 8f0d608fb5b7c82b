package application_test

import (
	"testing"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

func TestInitiateChoosesTheConnection(t *testing.T) { // F12
	only := []connection.Settings{{Slug: "acme", Domains: []string{"acme.example"}}}
	for name, c := range map[string]struct {
		connections []connection.Settings
		slug, hint  string
		want        error
		acs         connection.Mount
	}{
		"by name":                              {slug: "beta", acs: connection.Legacy},
		"by the domain of the address":         {hint: "Ben@BETA.example", acs: connection.Legacy},
		"the name wins over the address":       {slug: "acme", hint: "ben@beta.example", acs: connection.Canonical},
		"one of several domains":               {hint: "ann@acme.test", acs: connection.Canonical},
		"a domain below one is another":        {hint: "ann@sub.acme.example", want: connection.ErrChoose},
		"an unknown domain":                    {hint: "eve@nobody.example", want: connection.ErrChoose},
		"no hint":                              {want: connection.ErrChoose},
		"a hint that is no address":            {hint: "acme.example", want: connection.ErrChoose},
		"a name that is not there":             {slug: "unheard-of", want: connection.ErrUnknown},
		"the only one":                         {connections: only, acs: connection.Canonical},
		"the only one, whatever the address":   {connections: only, hint: "eve@nobody.example", acs: connection.Canonical},
		"none at all":                          {connections: []connection.Settings{}, want: connection.ErrUnknown},
		"one that cannot be reached":           {slug: "down", want: ports.ErrInitiateFailed},
		"one whose broker names no place":      {slug: "nowhere", want: ports.ErrInitiateMissingURL},
		"one that takes forms instead of GETs": {slug: "post", acs: connection.Canonical},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, applicationtest.Options{Connections: c.connections})
			started := s.start(laptop)
			out, err := s.Initiate.Execute(t.Context(), application.Initiate{
				UserCode: started.UserCode.String(), Connection: c.slug, LoginHint: c.hint, Mount: connection.Canonical, Origin: applicationtest.From(home),
			})
			is(t, err, c.want)
			if out.Allowance.Remaining != quota.InitiateSSO.Max-1 {
				t.Errorf("got %d tries left, want one less than %d", out.Allowance.Remaining, quota.InitiateSSO.Max)
			}
			transactions := s.Count(t, audit.LoginStarted)
			if c.want != nil {
				if transactions != 0 {
					t.Errorf("got %d SSO transactions, want none", transactions)
				}
				return
			}
			begun := s.Broker.Last()
			if transactions != 1 || begun.ACS != c.acs || begun.UserCode != started.UserCode || out.Browser.IsZero() || out.Redirect.URL == "" {
				t.Errorf("got %d SSO transactions, the last one %+v, want one for the code at %s", transactions, begun, c.acs)
			}
			if n := len(begun.RelayState.Reveal()); n > 80 { // S19
				t.Errorf("got a RelayState of %d bytes, want at most 80", n)
			}
		})
	}
}

// F46: the typed address goes to the identity provider that may assert it.
func TestLoginHintIsPassedToTheBroker(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for hint, want := range map[string]string{
		"Ann@ACME.example": "ann@acme.example", "ben@beta.example": "", "acme.example": "", "": "",
	} {
		_, err := s.Initiate.Execute(t.Context(), application.Initiate{
			UserCode: s.start(laptop).UserCode.String(), Connection: "acme", LoginHint: hint, Mount: connection.Canonical, Origin: applicationtest.From(home),
		})
		must(t, err)
		if got := s.Broker.Last().LoginHint.String(); got != want {
			t.Errorf("got %q for %q, want %q", got, hint, want)
		}
	}
}

func TestInitiateDemandsAPendingUserCode(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	approved, expired := s.login(laptop), s.start(laptop)
	try := func(typed string) {
		t.Helper()
		_, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: typed, Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
		is(t, err, device.ErrInvalidUserCode)
	}
	try("HELLO")
	try(device.NewUserCode().String())
	try(approved.UserCode.String())
	s.Clock.Advance(lifetime)
	try(expired.UserCode.String())
}

func TestBrowserBindingIsReusedByLaterTransactions(t *testing.T) { // S17
	s := newFixture(t, applicationtest.Options{})
	first := s.begin(s.start("one").UserCode, approval.BrowserBinding{})
	if again := s.begin(s.start("two").UserCode, first); !again.Equal(first.Text) {
		t.Error("got another binding, want the first one again")
	}
	if made := s.begin(s.start("three").UserCode, approval.ParseBrowserBinding("chosen by a stranger")); made.Reveal() == "chosen by a stranger" {
		t.Error("got the binding that a stranger chose, want one that was made here")
	}
}

func TestANewTransactionDropsTheGrantOfItsUserCodeOnly(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	one, two := s.start("one"), s.start("two")
	b := s.begin(one.UserCode, approval.BrowserBinding{})
	ticket, err := s.accept("ok a1 ann@acme.example")
	must(t, err)
	h, err := s.complete(ticket, b, approval.GrantSession{})
	must(t, err)
	s.beginVia("acme", two.UserCode, b, h)
	ticket, err = s.accept("ok a2 ann@acme.example")
	must(t, err)
	h, err = s.complete(ticket, b, h)
	must(t, err)

	s.beginVia("beta", one.UserCode, b, h)
	_, err = s.Describe.Execute(t.Context(), h, one.UserCode, applicationtest.From(home))
	is(t, err, approval.ErrNoSession)
	_, err = s.Describe.Execute(t.Context(), h, two.UserCode, applicationtest.From(home))
	is(t, err, nil)
}

func TestAFailedInitiateKeepsTheGrants(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	h := s.signIn(started.UserCode, "ann@acme.example")
	_, err := s.Initiate.Execute(t.Context(), application.Initiate{
		UserCode: started.UserCode.String(), Connection: "down", GrantSession: h, Origin: applicationtest.From(home),
	})
	is(t, err, ports.ErrInitiateFailed)
	_, err = s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
	is(t, err, nil)
}

func TestInitiateAllowsSixtyTransactionsAnHourAndAddress(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	code := s.start(laptop).UserCode
	for range 60 {
		s.begin(code, approval.BrowserBinding{})
	}
	_, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: code.String(), Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
	is(t, err, quota.ErrExceeded)
	_, err = s.Initiate.Execute(t.Context(), application.Initiate{UserCode: code.String(), Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(office)})
	is(t, err, nil)
}
