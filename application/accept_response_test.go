package application_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

func TestARefusedResponseSpendsNothingAndIsRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		says   string
		want   error
		reason string
	}{
		"a forged one":               {"forged", approval.ErrInvalidAssertion, "bad_signature"},
		"the identity provider's no": {"denied", approval.ErrDeniedByIdP, "denied_by_idp"},
		"another's domain":           {"ok a1 ann@beta.example", connection.ErrForeignDomain, "domain_not_allowed"},
		"a domain below ours":        {"ok a1 ann@sub.acme.example", connection.ErrForeignDomain, "domain_not_allowed"},
		"another code":               {"ok a1 ann@acme.example AAAA-AAAA", approval.ErrInvalidAssertion, "user_code_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, applicationtest.Options{})
			started := s.start(laptop)
			b := s.begin(started.UserCode, approval.BrowserBinding{})
			_, err := s.accept(c.says)
			is(t, err, c.want)
			s.history("oauth.device_flow_started sso.login_started sso.login_failed(" + c.reason + ")")
			failed := s.Events(t)[2]
			if failed.Connection != "acme" || failed.Mount != "canonical" || failed.IP != home || failed.RequestID != "request-1" || failed.UserAgent != "test/1" {
				t.Errorf("got the event %+v, want it at acme on the canonical mount, from home", failed)
			}
			ticket, err := s.accept("ok a1 ann@acme.example")
			must(t, err)
			_, err = s.complete(ticket, b, approval.GrantSession{})
			must(t, err)
		})
	}
}

func TestAResponseIsAcceptedOnce(t *testing.T) { // S24
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	b := s.begin(started.UserCode, approval.BrowserBinding{})
	first := s.Broker.Last().RelayState
	ticket, err := s.accept("ok a1 ann@acme.example")
	must(t, err)

	_, err = s.accept("ok a1 ann@acme.example")
	is(t, err, approval.ErrTransactionOver)
	if got := reason(t, err); got != "already_answered" {
		t.Errorf("got %s, want already_answered", got)
	}
	s.begin(started.UserCode, b)
	_, err = s.accept("ok a1 ann@acme.example")
	is(t, err, approval.ErrReplayed)

	_, err = s.complete(ticket, b, approval.GrantSession{})
	must(t, err)
	_, err = s.acceptFor(first, "ok a2 ann@acme.example")
	is(t, err, approval.ErrTransactionOver)
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_failed(already_answered)" +
		" sso.login_started sso.login_failed(replayed) sso.login_completed sso.login_failed(already_answered)")
}

func TestTwoIdentityProvidersMayUseTheSameID(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.beginVia("acme", s.start("one").UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	_, err := s.accept("ok a1 ann@acme.example")
	must(t, err)
	s.beginVia("beta", s.start("two").UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	_, err = s.accept("ok a1 ben@beta.example")
	must(t, err)
}

func TestAResponseWithoutATransactionIsRefused(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for _, c := range []struct { // S21, F16
		relay, reason string
		want          error
	}{
		{"", "relay_state_missing", approval.ErrRelayStateMissing},
		{"https://evil.example", "relay_state_foreign", approval.ErrIdPInitiated},
		{"made-up", "relay_state_foreign", approval.ErrIdPInitiated},
		{strings.Repeat("x", 32), "unknown_relay_state", approval.ErrTransactionOver},
	} {
		_, err := s.acceptFor(approval.ParseRelayState(c.relay), "ok a1 ann@acme.example")
		is(t, err, c.want)
		if got := reason(t, err); got != c.reason {
			t.Errorf("%q: got reason %s, want %s", c.relay, got, c.reason)
		}
		var failed *application.SignInError
		if !errors.As(err, &failed) || failed.Connection != "acme" || !failed.Unverified {
			t.Errorf("%q: got %+v, want the connection that the response claims, unverified", c.relay, failed)
		}
	}
	for _, e := range s.Events(t) {
		if e.Connection != "acme" || !strings.Contains(e.Detail, "not verified, from https://idp.example/acme") {
			t.Errorf("got the connection %q, detail %q, want acme and that it is not verified", e.Connection, e.Detail)
		}
	}
	_, err := s.acceptFor(approval.ParseRelayState(""), "what names no issuer")
	if failed := new(application.SignInError); errors.As(err, &failed) {
		t.Errorf("got %+v, want no connection", failed)
	}
	if e := s.Events(t)[4]; e.Connection != "" || strings.Contains(e.Detail, "verified") {
		t.Errorf("got the connection %q, detail %q, want none", e.Connection, e.Detail)
	}
	s.history("sso.login_failed(relay_state_missing) sso.login_failed(relay_state_foreign)" +
		" sso.login_failed(relay_state_foreign) sso.login_failed(unknown_relay_state) sso.login_failed(relay_state_missing)")
}

// F16: an identity provider that answers by another binding sends no response.
func TestAMissingResponseIsRecordedWithItsSignIn(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.begin(s.start("one").UserCode, approval.BrowserBinding{})
	receive := func(relay approval.RelayState) error {
		_, err := s.Accept.Execute(t.Context(), application.ReceivedResponse{
			Missing: approval.ResponseMissing("SAMLResponse is required.", "SAMLart"), RelayState: relay,
			Mount: connection.Canonical, Origin: applicationtest.From(home),
		})
		return err
	}
	err := receive(s.Broker.Last().RelayState)
	if got := reason(t, err); got != "response_missing" {
		t.Errorf("got reason %s, want response_missing", got)
	}
	var failed *application.SignInError
	if !errors.As(err, &failed) || failed.Connection != "acme" || failed.UserCode.IsZero() {
		t.Errorf("got %+v, want the sign-in's connection and user code", failed)
	}
	if err := receive(approval.ParseRelayState("")); reason(t, err) != "response_missing" {
		t.Errorf("without a sign-in: got %v, want response_missing", err)
	}
	_, err = s.accept("ok a1 ann@acme.example") // nothing is spent
	must(t, err)
	s.history("oauth.device_flow_started sso.login_started sso.login_failed(response_missing) sso.assertion_accepted")
}

// F16: what a broker outside says, and an identity provider that cannot be
// reached, are on record with reasons of their own.
func TestASignInEndedByABrokerIsRecorded(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for range 2 * quota.FailedSignIns.Max { // bounded
		err := s.Fail.Execute(t.Context(), strings.Repeat("no_", 30), application.Completion{Mount: connection.Legacy, Origin: applicationtest.From(home)})
		is(t, err, approval.ErrDeniedByIdP)
	}
	events := s.AuditEvents(t)
	if len(events) != quota.FailedSignIns.Max {
		t.Fatalf("got %d events, want %d", len(events), quota.FailedSignIns.Max)
	}
	if e := events[0]; e.Kind != audit.LoginFailed || e.Reason != "denied_by_broker" || e.Connection != "dify" || e.Mount != "legacy" || len(e.Detail) > 80 {
		t.Errorf("got %+v, want a short refusal at dify on the legacy mount", e)
	}
}

// Contract 10.10, F30: the sign-in that a broker's denial is about is known by the
// browser, unless the browser has begun several.
func TestADenialByABrokerBelongsToTheSignInOfTheBrowser(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	code := s.start(laptop).UserCode
	b := s.beginVia("dify", code, approval.BrowserBinding{}, approval.GrantSession{})
	fail := func(browser approval.BrowserBinding) *application.SignInError {
		t.Helper()
		err := s.Fail.Execute(t.Context(), "cancelled", application.Completion{Mount: connection.Canonical, Browser: browser, Origin: applicationtest.From(home)})
		is(t, err, approval.ErrDeniedByIdP)
		failed := new(application.SignInError)
		errors.As(err, &failed)
		return failed
	}
	known := func(failed *application.SignInError) {
		t.Helper()
		if failed.UserCode != code || failed.Connection != "dify" {
			t.Errorf("got %+v, want the sign-in for %s through dify", failed, code)
		}
		events := s.AuditEvents(t)
		if e := events[len(events)-1]; e.Reason != "denied_by_broker" || e.AuthorizationID != events[0].AuthorizationID {
			t.Errorf("got %+v, want denied_by_broker with the authorization's id", e)
		}
	}
	known(fail(b))
	s.beginVia("dify", code, b, approval.GrantSession{}) // again, for the same device
	known(fail(b))
	s.beginVia("acme", s.start("through SAML").UserCode, b, approval.GrantSession{}) // which no outside broker denies
	known(fail(b))
	if failed := fail(approval.BrowserBinding{}.OrNew()); !failed.UserCode.IsZero() {
		t.Errorf("got %+v for another browser, want no user code", failed)
	}
	s.beginVia("dify", s.start("another").UserCode, b, approval.GrantSession{})
	if failed := fail(b); !failed.UserCode.IsZero() {
		t.Errorf("got %+v of two sign-ins, want no user code", failed)
	}
	s.Clock.Advance(lifetime)
	if failed := fail(b); !failed.UserCode.IsZero() {
		t.Errorf("got %+v when all have expired, want no user code", failed)
	}
}

func TestADenialWithoutAnOutsideBrokerIsRecordedAsSuch(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Connections: slices.DeleteFunc(applicationtest.Connections(), func(c connection.Settings) bool {
		return c.Broker == connection.Enterprise
	})})
	err := s.Fail.Execute(t.Context(), "cancelled", application.Completion{Mount: connection.Canonical, Origin: applicationtest.From(home)})
	is(t, err, approval.ErrDeniedByIdP)
	s.history("sso.login_failed(no_enterprise_connection)")
}

func TestASignInThatCannotBeginIsRecorded(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	code := s.start(laptop).UserCode.String()
	for slug, want := range map[string]error{"down": ports.ErrInitiateFailed, "nowhere": ports.ErrInitiateMissingURL} {
		_, err := s.Initiate.Execute(t.Context(), application.Initiate{UserCode: code, Connection: slug, Mount: connection.Canonical, Origin: applicationtest.From(home)})
		is(t, err, want)
		events := s.AuditEvents(t)
		if e := events[len(events)-1]; e.Kind != audit.LoginFailed || e.Connection != slug || !strings.HasPrefix(e.Reason, "sso_initiate_") {
			t.Errorf("%s: got %+v, want a failed sign-in that could not begin", slug, e)
		}
	}
}

func TestAnAnswerMayTakeAQuarterOfAnHour(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.begin(s.start(laptop).UserCode, approval.BrowserBinding{})
	s.Clock.Advance(lifetime)
	_, err := s.accept("ok a1 ann@acme.example")
	is(t, err, approval.ErrTransactionOver)
	if got := reason(t, err); got != "transaction_expired" {
		t.Errorf("got %s, want transaction_expired", got)
	}
}

func TestASAMLResponseIsRefusedForATransactionOfAnotherBroker(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.beginVia("dify", s.start(laptop).UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	_, err := s.accept("ok a1 ann@dify.example")
	is(t, err, approval.ErrInvalidAssertion)
	s.history("oauth.device_flow_started sso.login_started sso.login_failed(wrong_broker)")
}

func TestATransactionContinuesFromAnotherAddressAndMount(t *testing.T) { // S53
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	b := s.begin(started.UserCode, approval.BrowserBinding{})
	ticket, err := s.Accept.Execute(t.Context(), application.ReceivedResponse{
		Response: "ok a1 ann@acme.example", RelayState: s.Broker.Last().RelayState, Mount: connection.Legacy, Origin: applicationtest.From(office),
	})
	must(t, err)
	_, err = s.Complete.Execute(t.Context(), ticket, application.Completion{Mount: connection.Canonical, Browser: b, Origin: applicationtest.From("203.0.113.1")})
	must(t, err)
	if completed := s.Events(t)[3]; completed.Event != "sso.login_completed" || completed.Mount != "legacy" || completed.IP != "203.0.113.1" {
		t.Errorf("got %+v, want it completed on the legacy mount from 203.0.113.1", completed)
	}
}
