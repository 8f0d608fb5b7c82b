package application_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
)

const ann = "ann@acme.example"

// under is a fixture with a policy.
func under(t *testing.T, s policy.Settings) *fixture {
	t.Helper()
	p, err := policy.New(s)
	must(t, err)
	return newFixture(t, applicationtest.Options{Policy: p})
}

// startFrom starts a device at an address.
func (s *fixture) startFrom(address, label string) application.Started {
	s.t.Helper()
	started, err := s.Start.Execute(s.t.Context(), application.Start{ClientID: "difyctl", Label: label, Origin: applicationtest.From(address)})
	must(s.t, err)
	return started
}

// way is a browser's way to an approval.
type way struct {
	email    string
	response string // address that the identity provider's response comes from
	browser  string // address of everything else
	typed    bool
}

// approveBy goes the whole way and returns what the approval is answered.
func (s *fixture) approveBy(code device.UserCode, w way) error {
	s.t.Helper()
	out, err := s.Initiate.Execute(s.t.Context(), application.Initiate{
		UserCode: code.String(), Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(w.browser),
	})
	must(s.t, err)
	ticket, err := s.Accept.Execute(s.t.Context(), application.ReceivedResponse{
		Response:   "ok " + secret.Random("", 9).Reveal() + " " + w.email,
		RelayState: s.Broker.Last().RelayState, Mount: connection.Canonical, Origin: applicationtest.From(w.response),
	})
	must(s.t, err)
	completed, err := s.Complete.Execute(s.t.Context(), ticket, application.Completion{
		Mount: connection.Canonical, Browser: out.Browser, Origin: applicationtest.From(w.browser),
	})
	must(s.t, err)
	described, err := s.Describe.Execute(s.t.Context(), completed.Session, code, applicationtest.From(w.browser))
	must(s.t, err)
	proof := approval.Proof{Session: completed.Session, CSRF: described.CSRF}
	if w.typed {
		proof.Typed = code
	}
	_, err = s.Approve.Execute(s.t.Context(), proof, code, applicationtest.From(w.browser))
	if (err == nil || errors.Is(err, policy.ErrTypedCodeRequired)) != (described.Refusal == nil) {
		s.t.Errorf("the page is told %v, and the approval is answered %v; want the same", described.Refusal, err)
	}
	return err
}

func from(address string) way { return way{ann, address, address, true} }

func TestStrictRefusesADeviceInAnotherNetwork(t *testing.T) {
	for name, test := range map[string]struct {
		device string
		by     way
	}{
		"another network, code typed":               {office, from(home)},
		"the same country's, by link":               {"192.0.3.7", way{ann, home, home, false}},
		"another address family":                    {"2001:db8::7", from(home)},
		"the sign-in is relayed to the device's":    {office, way{ann, home, office, true}},
		"the sign-in is relayed by another network": {office, way{ann, "2001:db8::7", office, true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := under(t, policy.Settings{Preset: policy.Strict})
			s.Broker.SignedInAt = s.Clock.Now().Add(time.Minute)
			started := s.startFrom(test.device, laptop)
			is(t, s.approveBy(started.UserCode, test.by), policy.ErrNetworkNotAllowed)
			if _, err := s.poll(started.Code, test.device); !errors.Is(err, device.ErrAuthorizationPending) {
				t.Errorf("got %v, want the device to wait on", err)
			}
			refused := s.Events(t)
			if last := refused[len(refused)-1]; last.Event != string(audit.DeviceFlowRejected) || last.Reason != "network_not_allowed" {
				t.Errorf("got the last event %s (%s), want the refusal", last.Event, last.Reason)
			}
		})
	}
}

func TestStrictLetsHonestLoginsIn(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
	for name, test := range map[string]struct {
		device string
		by     way
		fresh  bool
		want   error
	}{
		"at home":                               {home, from(home), false, nil},
		"at home, by link":                      {home, way{ann, home, home, false}, false, policy.ErrTypedCodeRequired},
		"in an office of two networks":          {office, from("203.0.113.9"), false, nil},
		"on a server of the company, from home": {office, from(home), false, policy.ErrReauthenticationRequired},
		"the same, signed in anew":              {office, from(home), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := under(t, policy.Settings{Preset: policy.Strict, Trusted: trusted})
			s.Broker.SignedInAt = s.Clock.Now().Add(-time.Hour)
			if test.fresh {
				s.Broker.SignedInAt = s.Clock.Now()
			}
			is(t, s.approveBy(s.startFrom(test.device, laptop).UserCode, test.by), test.want)
		})
	}
}

func TestADeviceThatWasConnectedBeforeIsKnownInItsNetwork(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Strict})
	s.Broker.SignedInAt = s.Clock.Now()
	first := s.startFrom(home, laptop)
	must(t, s.approveBy(first.UserCode, from(home)))
	token := s.redeem(first.Code)
	s.Clock.Advance(time.Hour)
	s.Broker.SignedInAt = s.Clock.Now().Add(-30 * time.Minute) // before the next start

	is(t, s.approveBy(s.startFrom(home, laptop).UserCode, from(office)), policy.ErrReauthenticationRequired)
	is(t, s.approveBy(s.startFrom("192.0.2.8", laptop).UserCode, from(office)), policy.ErrNetworkNotAllowed)
	is(t, s.approveBy(s.startFrom(home, "another").UserCode, from(office)), policy.ErrNetworkNotAllowed)
	is(t, s.approveBy(s.startFrom(home, laptop).UserCode, way{"ben@acme.example", office, office, true}), policy.ErrNetworkNotAllowed)

	must(t, s.RevokeToken.Execute(t.Context(), token.Secret, "difyctl", applicationtest.From(home)))
	is(t, s.approveBy(s.startFrom(home, laptop).UserCode, from(office)), policy.ErrNetworkNotAllowed)
}

func TestAProxyThatIsNotNamedMakesNoDeviceTrusted(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Strict, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	started := s.startFrom(home, laptop)
	h := s.signIn(started.UserCode, ann)
	proxied := request.Origin{IP: netip.MustParseAddr(home), BehindUnknownProxy: true}
	_, err := s.Approve.Execute(t.Context(), approval.Proof{Session: h, CSRF: s.proof(h, started.UserCode).CSRF, Typed: started.UserCode}, started.UserCode, proxied)
	is(t, err, policy.ErrNetworkNotAllowed)
}

func TestAFirstConnectionCanHaveAStricterOutcome(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{
		{Name: "rule 1", When: policy.Conditions{NewDevice: policy.Yes}, Then: policy.Type},
	}})
	first := s.startFrom(home, laptop)
	is(t, s.approveBy(first.UserCode, way{ann, home, home, false}), policy.ErrTypedCodeRequired)
	must(t, s.approveBy(first.UserCode, from(home)))
	s.redeem(first.Code)
	must(t, s.approveBy(s.startFrom(home, laptop).UserCode, way{ann, home, home, false}))
	is(t, s.approveBy(s.startFrom(home, "another").UserCode, way{ann, home, home, false}), policy.ErrTypedCodeRequired)
}

func TestASignInOfNoKnownTimeIsNotNew(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{{Name: "rule 1", Then: policy.Reauthenticate}}})
	is(t, s.approveBy(s.startFrom(home, laptop).UserCode, from(home)), policy.ErrReauthenticationRequired)
}

// The identity provider's clock is off by what its assertions show, and by no more:
// a session of a minute before the device's start is never a new sign-in.
func TestASessionFromBeforeTheStartIsNotNew(t *testing.T) {
	for name, behind := range map[string]time.Duration{"right": 0, "behind": 2 * time.Minute, "ahead": -2 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := under(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{{Name: "rule 1", Then: policy.Reauthenticate}}})
			s.Broker.Behind = behind
			s.Broker.SignedInAt = s.Clock.Now().Add(-time.Second)
			is(t, s.approveBy(s.startFrom(home, laptop).UserCode, from(home)), policy.ErrReauthenticationRequired)
			s.Broker.SignedInAt = s.Clock.Now()
			must(t, s.approveBy(s.startFrom(home, laptop).UserCode, from(home)))
		})
	}
}

func TestAPolicyThatChangesHoldsForPeopleWhoAreSignedIn(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Parity})
	started := s.startFrom(office, laptop)
	h := s.signIn(started.UserCode, ann)
	proof := s.proof(h, started.UserCode)
	s.Policies.Replace(policy.Must(policy.Settings{Preset: policy.Strict}))
	_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	is(t, err, policy.ErrNetworkNotAllowed)
	_, err = s.Deny.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	must(t, err)
}

func TestOnlyThePersonThatTheDeviceNamedCanApprove(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", LoginHint: " Ann@ACME.example ", Origin: applicationtest.From(home)})
	must(t, err)
	is(t, s.approveBy(started.UserCode, way{"ben@acme.example", home, home, true}), device.ErrSubjectMismatch)
	if got := s.Broker.Last().LoginHint.String(); got != ann {
		t.Errorf("got the hint %q for the identity provider, want %q", got, ann)
	}
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_rejected(subject_mismatch)")
	ben := s.signIn(started.UserCode, "ben@acme.example")
	_, err = s.Deny.Execute(t.Context(), s.proof(ben, started.UserCode), device.UserCode{}, applicationtest.From(home))
	is(t, err, approval.ErrUserCodeMismatch)
	must(t, s.approveBy(started.UserCode, way{ann, home, home, false}))
	s.redeem(started.Code)
}

func TestTheHintChoosesTheConnection(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", LoginHint: "cy@beta.example", Origin: applicationtest.From(home)})
	must(t, err)
	for _, typed := range []string{"", "ann@acme.example"} { // the device's counts, not what is typed
		_, err = s.Initiate.Execute(t.Context(), application.Initiate{
			UserCode: started.UserCode.String(), LoginHint: typed, Mount: connection.Canonical, Origin: applicationtest.From(home),
		})
		must(t, err)
		if got := s.Broker.Last().LoginHint.String(); got != "cy@beta.example" {
			t.Errorf("got the hint %q, want the device's", got)
		}
	}
	looked, err := s.LookUp.Execute(t.Context(), started.UserCode.String(), applicationtest.From(home))
	must(t, err)
	if !looked.Bound {
		t.Error("got a code that is not bound, want it bound")
	}
}

func TestAnInvalidLoginHintIsRefused(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	start := func(hint string) error {
		_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", LoginHint: hint, Origin: applicationtest.From(home)})
		return err
	}
	for _, hint := range []string{"ann", "ann@", "Ann <ann@acme.example>", "ann@acme.example, ben@acme.example", "ann@acme.example\x00", " "} {
		if f, refused := fault.Of(start(hint)); !refused || f.Code != "invalid_request" {
			t.Errorf("%q: got %v, want invalid_request", hint, f)
		}
	}
	must(t, start("ann@elsewhere.example"))
	s.Policies.Replace(policy.Must(policy.Settings{Set: policy.Changes{RequireLoginHint: policy.Yes}}))
	is(t, start(""), policy.ErrLoginHintRequired)
	if f, refused := fault.Of(start("ann@elsewhere.example")); !refused || f.Code != "invalid_request" {
		t.Errorf("a domain of no connection: got %v, want invalid_request where hints are required", f)
	}
	must(t, start(ann))
}

func TestPolicyNarrowsWhatARequestGets(t *testing.T) {
	s := under(t, policy.Settings{
		Preset: policy.Parity,
		Set: policy.Changes{
			DevicesFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")},
			CodeTTL:     5 * time.Minute, TokenTTL: 48 * time.Hour, TokenTTLFar: time.Hour, ScopesFar: scope.Restore("apps:run"),
			LinkCarriesCode: policy.No,
		},
		Rules: []policy.Rule{{Name: "rule 1", When: policy.Conditions{Connections: []string{"acme"}}, Set: policy.Changes{GrantTTL: time.Minute}}},
	})
	_, err := s.Start.Execute(t.Context(), application.Start{ClientID: "difyctl", Origin: applicationtest.From("203.0.113.1")})
	is(t, err, policy.ErrStartNotAllowed)
	s.history("")

	near := s.startFrom(home, laptop)
	if near.ExpiresIn != 5*time.Minute || near.LinkCarriesCode {
		t.Errorf("got %s, link with code %t; want 5m, false", near.ExpiresIn, near.LinkCarriesCode)
	}
	must(t, s.approveBy(near.UserCode, from(home)))
	far := s.startFrom(office, "far")
	must(t, s.approveBy(far.UserCode, from(home)))
	for _, test := range []struct {
		of     application.Started
		scopes string
		life   time.Duration
	}{{near, "apps:run apps:read:permitted-external", 48 * time.Hour}, {far, "apps:run", time.Hour}} {
		got := s.redeem(test.of.Code).Token.Snapshot()
		if life := got.ExpiresAt.Sub(s.Clock.Now()); life != test.life || got.Scopes.String() != test.scopes {
			t.Errorf("got %s and %q, want %s and %q", life, got.Scopes, test.life, test.scopes)
		}
	}

	late := s.startFrom(home, "late")
	h := s.signIn(late.UserCode, ann)
	s.Clock.Advance(time.Minute)
	_, err = s.Describe.Execute(t.Context(), h, late.UserCode, applicationtest.From(home))
	is(t, err, approval.ErrNoSession)
}
