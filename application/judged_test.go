package application_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
)

// refusingWhen is a fixture whose policy refuses what meets the conditions, and nothing
// else.
func refusingWhen(t *testing.T, when policy.Conditions) *fixture {
	t.Helper()
	return under(t, policy.Settings{
		Preset: policy.Parity, Rules: []policy.Rule{{Name: "rule 1", When: when, Then: policy.Refuse}},
		Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
}

// bound starts a device that names its person.
func (s *fixture) bound(hint string) application.Started {
	s.t.Helper()
	started, err := s.Start.Execute(s.t.Context(), application.Start{ClientID: "difyctl", Label: laptop, LoginHint: hint, Origin: applicationtest.From(home)})
	must(s.t, err)
	return started
}

func TestARuleKnowsWhetherTheDeviceNamedAPerson(t *testing.T) {
	s := refusingWhen(t, policy.Conditions{LoginHint: policy.Yes})
	is(t, s.approveBy(s.bound(ann).UserCode, from(home)), policy.ErrApprovalRefused)
	must(t, s.approveBy(s.bound("").UserCode, from(home)))
}

func TestARuleKnowsWhetherTheCodeWasTyped(t *testing.T) {
	s := refusingWhen(t, policy.Conditions{Code: policy.ByLink})
	started := s.start(laptop)
	is(t, s.approveBy(started.UserCode, way{ann, home, home, false}), policy.ErrTypedCodeRequired)
	must(t, s.approveBy(started.UserCode, way{ann, home, home, true}))
}

func TestACodeThatWasTypedAfterTheSignInIsTyped(t *testing.T) {
	limits := quota.Configure(1, 60)
	s := newFixture(t, applicationtest.Options{Limits: &limits, Policy: policy.Must(policy.Settings{
		Preset: policy.Parity, Rules: []policy.Rule{{Name: "rule 1", When: policy.Conditions{Code: policy.ByLink}, Then: policy.Reauthenticate}},
	})})
	started := s.start(laptop)
	_, err := s.lookUp(device.NewUserCode().String(), "203.0.113.1") // from now on codes are asked for after the sign-in
	must(t, err)
	h := s.signIn(started.UserCode, ann)
	described, err := s.SignIn.Execute(t.Context(), h)
	must(t, err)
	_, _, err = s.EnterCode.Execute(t.Context(), approval.Proof{Session: h, CSRF: described.CSRF}, started.UserCode.String(), applicationtest.From(home))
	must(t, err)
	_, err = s.Approve.Execute(t.Context(), s.proof(h, started.UserCode), started.UserCode, applicationtest.From(home))
	must(t, err)
}

// What an unknown proxy hides is in no trusted network, and in none that is known.
func TestABrowserBehindAnUnknownProxyIsNotTrusted(t *testing.T) {
	s := refusingWhen(t, policy.Conditions{Browser: policy.Untrusted})
	_, _, err := s.approves(journeyFrom(home))
	must(t, err)
	hiding := journeyFrom(home)
	hiding.decision = hidden
	_, _, err = s.approves(hiding)
	is(t, err, policy.ErrNetworkNotAllowed)
}

func TestADeviceThatAProxyHidesIsInNoKnownNetwork(t *testing.T) {
	s := refusingWhen(t, policy.Conditions{KnownNetwork: policy.No, NewDevice: policy.No})
	code, _, err := s.approves(journeyFrom(home))
	must(t, err)
	s.redeem(code)
	_, _, err = s.approves(journeyFrom(home))
	must(t, err)
	hiding := journeyFrom(home)
	hiding.decision = hidden
	_, _, err = s.approves(hiding)
	is(t, err, policy.ErrNetworkNotAllowed)
}

func TestASuspectedRequestMeetsItsRules(t *testing.T) {
	s := campaign{under(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{
		{Name: "rule 1", When: policy.Conditions{Suspected: policy.Yes}, Then: policy.Refuse},
	}})}
	for n := range 2 {
		s.victim(n, s.begins("prod-01", agent(attacker, "x/1")))
	}
	is(t, s.approveBy(s.begins("prod-01", agent(attacker, "x/1")).UserCode, from("10.9.0.7")), policy.ErrApprovalRefused)
	must(t, s.approveBy(s.begins("laptop", agent(home, "difyctl/1")).UserCode, from(home)))
}

func TestARefusalByPolicyNamesItsRule(t *testing.T) {
	s := refusingWhen(t, policy.Conditions{})
	is(t, s.approveBy(s.start(laptop).UserCode, from(home)), policy.ErrApprovalRefused)
	all := s.Events(t)
	if got := all[len(all)-1]; got.Detail != "rule 1" || got.Reason != "approval_refused" {
		t.Errorf("got the last event %s (%s) by %q, want the refusal by rule 1", got.Event, got.Reason, got.Detail)
	}
}

// One more step would not help another person than the device named.
func TestTheWrongPersonIsAskedForNoStep(t *testing.T) {
	for name, then := range map[string]policy.Outcome{"type": policy.Type, "reauthenticate": policy.Reauthenticate, "refuse": policy.Refuse} {
		t.Run(name, func(t *testing.T) {
			s := under(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{{Name: "rule 1", Then: then}}})
			started := s.bound(ann)
			h := s.signIn(started.UserCode, "ben@acme.example")
			proof := s.proof(h, started.UserCode)
			_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
			is(t, err, device.ErrSubjectMismatch)
			_, err = s.Deny.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
			must(t, err)
		})
	}
}

// The life of a token is that of the approval: a setting that grows afterwards adds
// nothing.
func TestALifeThatGrowsAfterTheApprovalDoesNotCount(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.difyctl(func(c *client.Settings) { c.TokenLife = time.Hour })
	started := s.login(laptop)
	s.difyctl(func(c *client.Settings) { c.TokenLife = 48 * time.Hour })
	if got := s.redeem(started.Code).Token.Snapshot().ExpiresAt.Sub(s.Clock.Now()); got != time.Hour {
		t.Errorf("got a token for %s, want 1h", got)
	}
}

// An address that an unknown proxy has in common with a trusted network is not in it.
func TestADeviceBehindAnUnknownProxyStartsInNoNetwork(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Parity, Set: policy.Changes{DevicesFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}})
	_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Origin: hidden})
	is(t, err, policy.ErrStartNotAllowed)
	s.start(laptop)
}

// Where hints are required, one counts only if its client may use a connection that
// speaks for the domain.
func TestALoginHintIsOfAConnectionOfTheClient(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Parity, Set: policy.Changes{RequireLoginHint: policy.Yes}})
	s.difyctl(func(c *client.Settings) { c.Connections = []string{"acme"} })
	s.bound(ann)
	_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", LoginHint: "cy@beta.example", Origin: applicationtest.From(home)})
	if f, refused := fault.Of(err); !refused || f.Code != "invalid_request" {
		t.Errorf("got %v, want invalid_request for a domain of another connection", err)
	}
	s.difyctl(func(*client.Settings) {})
	s.bound("cy@beta.example")
}
