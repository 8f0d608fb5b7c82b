package application_test

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/scope"
)

func TestStartDevice(t *testing.T) {
	for name, c := range map[string]struct {
		in    application.Start
		want  error
		label string
	}{
		"a known client":                  {in: application.Start{ClientID: "difyctl", Label: "laptop"}, label: "laptop"},
		"one that does not name a device": {in: application.Start{ClientID: "difyctl"}, label: "Dify CLI"},
		"a label too long":                {in: application.Start{ClientID: "tv", Label: strings.Repeat("ü", 300)}, label: strings.Repeat("ü", 255)},
		"a known scope (D27)":             {in: application.Start{ClientID: "tv", Scope: "apps:run"}, label: "tv"},
		"an unknown scope (D27)":          {in: application.Start{ClientID: "tv", Scope: "apps:run root"}, want: scope.ErrInvalid},
		"an unknown client (D31)":         {in: application.Start{ClientID: "netflix"}, want: client.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, applicationtest.Options{})
			c.in.Origin = applicationtest.From(home)
			started, err := s.Start.Execute(t.Context(), c.in)
			is(t, err, c.want)
			if started.Allowance.Remaining != quota.StartDevice.Max-1 {
				t.Errorf("got %d attempts left, want %d", started.Allowance.Remaining, quota.StartDevice.Max-1)
			}
			if c.want != nil {
				s.history("")
				return
			}
			if started.ExpiresIn != 15*time.Minute || started.Interval != 5*time.Second {
				t.Errorf("got a lifetime of %v and an interval of %v, want 15m and 5s", started.ExpiresIn, started.Interval)
			}
			if events := s.Events(t); len(events) != 1 || events[0].DeviceLabel != c.label {
				t.Errorf("got the events %+v, want one with the label %q", events, c.label)
			}
		})
	}
}

func TestSixtyStartsAnHourAndAddress(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for range 60 {
		s.start(laptop)
	}
	for from, want := range map[string]error{home: quota.ErrExceeded, office: nil} {
		started, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Origin: applicationtest.From(from)})
		is(t, err, want)
		if want != nil && (started.Allowance.Reset != time.Hour || !started.Code.IsZero()) {
			t.Errorf("got a reset in %v and the code %v, want 1h and no code", started.Allowance.Reset, started.Code)
		}
	}
	s.Clock.Advance(time.Hour)
	s.start(laptop)
}

func TestRequestsAreAllowedWhileTheLimiterIsDown(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Limiter: unreachable{}})
	for range 70 {
		s.start(laptop)
	}
	is(t, s.verifyRedeemed(s.redeem(s.login(laptop).Code)), nil)
}

// F22: the token has the scopes that were asked for; asked for none, all.
func TestATokenHasTheScopesThatWereAskedFor(t *testing.T) {
	for asked, want := range map[string]string{
		"": "apps:run apps:read:permitted-external", "apps:run": "apps:run", "apps:run full": "apps:run",
	} {
		s := newFixture(t, applicationtest.Options{})
		started, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Label: laptop, Scope: asked, Origin: applicationtest.From(home)})
		must(t, err)
		h := s.signIn(started.UserCode, "ann@acme.example")
		described, err := s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
		must(t, err)
		if got := strings.Join(described.Scopes, " "); got != want {
			t.Errorf("asked for %q, shown before the decision: got %q, want %q", asked, got, want)
		}
		_, err = s.Approve.Execute(t.Context(), approval.Proof{Session: h, CSRF: described.CSRF}, started.UserCode, applicationtest.From(home))
		must(t, err)
		redeemed := s.redeem(started.Code)
		verified, err := s.Verify.Execute(t.Context(), redeemed.Secret, applicationtest.From(home))
		must(t, err)
		for what, got := range map[string][]string{"handed out": redeemed.Token.Scopes(), "verified": verified.Token.Scopes()} {
			if strings.Join(got, " ") != want {
				t.Errorf("asked for %q, %s: got %q, want %q", asked, what, got, want)
			}
		}
	}
	s := newFixture(t, applicationtest.Options{})
	for _, refused := range []string{"full", "root", "apps:run root"} {
		_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Scope: refused, Origin: applicationtest.From(home)})
		is(t, err, scope.ErrInvalid)
	}
}
