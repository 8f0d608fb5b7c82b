package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
)

// accepted is an SSO transaction whose assertion was accepted.
func (s *fixture) accepted(code device.UserCode) (approval.Ticket, approval.BrowserBinding) {
	s.t.Helper()
	b := s.begin(code, approval.BrowserBinding{})
	ticket, err := s.accept("ok a1 ann@acme.example")
	must(s.t, err)
	return ticket, b
}

func TestCompleteSSODemandsTheBrowserBinding(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	ticket, b := s.accepted(s.start(laptop).UserCode)
	eve := s.begin(s.start("eve's").UserCode, approval.BrowserBinding{})
	for _, other := range []approval.BrowserBinding{{}, eve, approval.ParseBrowserBinding("made-up")} {
		_, err := s.complete(ticket, other, approval.GrantSession{})
		is(t, err, approval.ErrOtherBrowser)
	}
	if s.Count(t, audit.LoginCompleted) != 0 {
		t.Error("got a login completed, want none")
	}
	_, err := s.complete(ticket, b, approval.GrantSession{})
	is(t, err, nil)
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted" +
		" oauth.device_flow_started sso.login_started sso.login_failed(browser_mismatch)" +
		" sso.login_failed(browser_mismatch) sso.login_failed(browser_mismatch) sso.login_completed")
}

func TestATicketIsGoodForAMinuteAndOnce(t *testing.T) {
	for after, want := range map[time.Duration]string{time.Minute - time.Microsecond: "", time.Minute: "ticket_expired"} {
		s := newFixture(t, applicationtest.Options{})
		ticket, b := s.accepted(s.start(laptop).UserCode)
		s.Clock.Advance(after)
		_, err := s.complete(ticket, b, approval.GrantSession{})
		if want == "" {
			must(t, err)
			want = "ticket_spent"
			_, err = s.complete(ticket, b, approval.GrantSession{})
		}
		is(t, err, approval.ErrTransactionOver)
		if got := reason(t, err); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAnUnknownTicketIsRefused(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	_, err := s.complete(approval.ParseTicket("made-up"), approval.BrowserBinding{}, approval.GrantSession{})
	is(t, err, approval.ErrTransactionOver)
	s.history("sso.login_failed(unknown_ticket)") // F16
}

func TestCompleteSSORefusesAnExpiredAuthorization(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	code := s.start(laptop).UserCode
	s.Clock.Advance(lifetime - time.Second)
	ticket, b := s.accepted(code)
	s.Clock.Advance(time.Second)
	_, err := s.complete(ticket, b, approval.GrantSession{})
	is(t, err, device.ErrNotPending)
	if s.Count(t, audit.LoginCompleted) != 0 {
		t.Error("got a login completed, want none")
	}
}

func TestAnAccountsEmailIsRefusedAndRecorded(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Accounts: []string{"ann@acme.example"}})
	ticket, b := s.accepted(s.start(laptop).UserCode)
	_, err := s.complete(ticket, b, approval.GrantSession{})
	is(t, err, approval.ErrAccountEmail)
	if s.Count(t, audit.LoginCompleted) != 0 {
		t.Error("got a login completed, want none")
	}
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted oauth.device_flow_rejected(email_belongs_to_dify_account)")
	_, err = s.complete(ticket, b, approval.GrantSession{})
	is(t, err, approval.ErrTransactionOver)
}

func TestANewSignInMovesAllGrantsToANewGrantSession(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	one, two := s.start("one"), s.start("two")
	ticket, b := s.accepted(one.UserCode)
	old, err := s.complete(ticket, b, approval.NewGrantSession())
	must(t, err)
	s.begin(two.UserCode, b)
	ticket, err = s.accept("ok a2 ben@acme.example")
	must(t, err)
	h, err := s.complete(ticket, b, old)
	must(t, err)
	for _, code := range []device.UserCode{one.UserCode, two.UserCode} {
		_, err := s.Describe.Execute(t.Context(), old, code, applicationtest.From(home))
		is(t, err, approval.ErrNoSession)
		_, err = s.Describe.Execute(t.Context(), h, code, applicationtest.From(home))
		is(t, err, nil)
	}
}

// completeByAssertion completes an SSO transaction with an assertion of the enterprise broker.
func (s *fixture) completeByAssertion(assertion string, b approval.BrowserBinding) (approval.GrantSession, error) {
	completed, err := s.ByAssertion.Execute(s.t.Context(), assertion, application.Completion{
		Mount: connection.Canonical, Browser: b, Origin: applicationtest.From(home),
	})
	return completed.Session, err
}

func TestCompleteByEnterpriseAssertion(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	code := started.UserCode.String()
	b := s.beginVia("dify", started.UserCode, approval.BrowserBinding{}, approval.GrantSession{})

	for assertion, want := range map[string]error{
		"forged":                          approval.ErrInvalidAssertion,
		"ok n1 ann@dify.example AAAAAAAA": approval.ErrOtherBrowser,
		"ok n1 ann@acme.example " + code:  connection.ErrForeignDomain,
	} {
		_, err := s.completeByAssertion(assertion, b)
		is(t, err, want)
	}
	_, err := s.completeByAssertion("ok n1 ann@dify.example "+code, approval.ParseBrowserBinding("another"))
	is(t, err, approval.ErrOtherBrowser)
	if s.Count(t, audit.AssertionAccepted) != 0 {
		t.Error("got an assertion accepted, want none")
	}

	h, err := s.completeByAssertion("ok n1 ann@dify.example "+code, b)
	must(t, err)
	described, err := s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
	must(t, err)
	if described.Subject.Email().String() != "ann@dify.example" || described.Connection != "dify" {
		t.Errorf("got %+v through %s, want ann through dify", described.Subject, described.Connection)
	}

	s.Clock.Advance(time.Second)
	s.beginVia("dify", started.UserCode, b, approval.GrantSession{})
	_, err = s.completeByAssertion("ok n1 ann@dify.example "+code, b)
	is(t, err, approval.ErrReplayed)
}

func TestAnEnterpriseAssertionIsRefusedForASAMLTransaction(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	b := s.begin(started.UserCode, approval.BrowserBinding{})
	_, err := s.completeByAssertion("ok n1 ann@acme.example "+started.UserCode.String(), b)
	is(t, err, approval.ErrOtherBrowser)
	if got := reason(t, err); got != "no_transaction_of_this_browser" {
		t.Errorf("got %s, want no_transaction_of_this_browser", got)
	}
}

func TestAnAssertionIsRefusedWithoutAnEnterpriseBroker(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Connections: []connection.Settings{{Slug: "acme", Domains: []string{"*"}}}})
	started := s.start(laptop)
	b := s.begin(started.UserCode, approval.BrowserBinding{})
	_, err := s.completeByAssertion("ok n1 ann@acme.example "+started.UserCode.String(), b)
	is(t, err, approval.ErrInvalidAssertion)
}
