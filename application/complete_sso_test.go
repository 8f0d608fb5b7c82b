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

// vouched is a trip whose answer has come in.
func (s *stage) vouched(code device.UserCode) (approval.Ticket, approval.BrowserBinding) {
	s.t.Helper()
	b := s.leave(code, approval.BrowserBinding{})
	ticket, err := s.arrive("ok a1 ann@acme.example")
	must(s.t, err)
	return ticket, b
}

func TestOnlyTheBrowserThatBeganATripCanFinishIt(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	ticket, b := s.vouched(s.start(laptop).UserCode)
	eve := s.leave(s.start("eve's").UserCode, approval.BrowserBinding{})
	for _, other := range []approval.BrowserBinding{{}, eve, approval.ParseBrowserBinding("made-up")} {
		_, err := s.finish(ticket, other, approval.GrantSession{})
		is(t, err, approval.ErrOtherBrowser)
	}
	if s.Count(t, audit.LoginCompleted) != 0 {
		t.Error("something was granted")
	}
	_, err := s.finish(ticket, b, approval.GrantSession{})
	is(t, err, nil)
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted" +
		" oauth.device_flow_started sso.login_started sso.login_failed(browser_mismatch)" +
		" sso.login_failed(browser_mismatch) sso.login_failed(browser_mismatch) sso.login_completed")
}

func TestATicketIsGoodForAMinuteAndOnce(t *testing.T) {
	for after, want := range map[time.Duration]string{time.Minute - time.Microsecond: "", time.Minute: "ticket_expired"} {
		s := newStage(t, applicationtest.Options{})
		ticket, b := s.vouched(s.start(laptop).UserCode)
		s.Clock.Advance(after)
		_, err := s.finish(ticket, b, approval.GrantSession{})
		if want == "" {
			must(t, err)
			want = "ticket_spent"
			_, err = s.finish(ticket, b, approval.GrantSession{})
		}
		is(t, err, approval.ErrTransactionOver)
		if got := reason(t, err); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestATicketNobodyGaveIsRefused(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	_, err := s.finish(approval.ParseTicket("made-up"), approval.BrowserBinding{}, approval.GrantSession{})
	is(t, err, approval.ErrTransactionOver)
	s.history("sso.login_failed(unknown_ticket)") // F16
}

func TestACodeThatRanOutMeanwhileGrantsNothing(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	code := s.start(laptop).UserCode
	s.Clock.Advance(lifetime - time.Second)
	ticket, b := s.vouched(code)
	s.Clock.Advance(time.Second)
	_, err := s.finish(ticket, b, approval.GrantSession{})
	is(t, err, device.ErrNotPending)
	if s.Count(t, audit.LoginCompleted) != 0 {
		t.Error("something was granted")
	}
}

func TestAnAddressThatBelongsToAnAccountIsTurnedAwayAndOnRecord(t *testing.T) {
	s := newStage(t, applicationtest.Options{Accounts: []string{"ann@acme.example"}})
	ticket, b := s.vouched(s.start(laptop).UserCode)
	_, err := s.finish(ticket, b, approval.GrantSession{})
	is(t, err, approval.ErrAccountEmail)
	if s.Count(t, audit.LoginCompleted) != 0 {
		t.Error("something was granted")
	}
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted oauth.device_flow_rejected(email_belongs_to_dify_account)")
	_, err = s.finish(ticket, b, approval.GrantSession{})
	is(t, err, approval.ErrTransactionOver)
}

func TestANewSignInMovesAllGrantsUnderANewHandle(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	one, two := s.start("one"), s.start("two")
	ticket, b := s.vouched(one.UserCode)
	old, err := s.finish(ticket, b, approval.ParseGrantSession("planted"))
	must(t, err)
	s.leave(two.UserCode, b)
	ticket, err = s.arrive("ok a2 ben@acme.example")
	must(t, err)
	h, err := s.finish(ticket, b, old)
	must(t, err)
	for _, code := range []device.UserCode{one.UserCode, two.UserCode} {
		_, err := s.Describe.Execute(t.Context(), old, code, applicationtest.From(home))
		is(t, err, approval.ErrNoSession)
		_, err = s.Describe.Execute(t.Context(), h, code, applicationtest.From(home))
		is(t, err, nil)
	}
}

// bring finishes a trip by an assertion of the enterprise broker.
func (s *stage) bring(assertion string, b approval.BrowserBinding) (approval.GrantSession, error) {
	completed, err := s.ByAssertion.Execute(s.t.Context(), assertion, application.Completion{
		Mount: connection.Canonical, Browser: b, Origin: applicationtest.From(home),
	})
	return completed.Session, err
}

func TestABrokerOutsideBringsItsOwnAssertion(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	started := s.start(laptop)
	code := started.UserCode.String()
	b := s.leaveBy("dify", started.UserCode, approval.BrowserBinding{}, approval.GrantSession{})

	for assertion, want := range map[string]error{
		"forged":                          approval.ErrInvalidAssertion,
		"ok n1 ann@dify.example AAAAAAAA": approval.ErrOtherBrowser,
		"ok n1 ann@acme.example " + code:  connection.ErrForeignDomain,
	} {
		_, err := s.bring(assertion, b)
		is(t, err, want)
	}
	_, err := s.bring("ok n1 ann@dify.example "+code, approval.ParseBrowserBinding("another"))
	is(t, err, approval.ErrOtherBrowser)
	if s.Count(t, audit.AssertionAccepted) != 0 {
		t.Error("something was spent")
	}

	h, err := s.bring("ok n1 ann@dify.example "+code, b)
	must(t, err)
	described, err := s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
	must(t, err)
	if described.Subject.Email().String() != "ann@dify.example" || described.Connection != "dify" {
		t.Errorf("it was %+v", described.Subject)
	}

	s.Clock.Advance(time.Second)
	s.leaveBy("dify", started.UserCode, b, approval.GrantSession{})
	_, err = s.bring("ok n1 ann@dify.example "+code, b)
	is(t, err, approval.ErrReplayed)
}

func TestAnAssertionCannotFinishATripThroughSAML(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	started := s.start(laptop)
	b := s.leave(started.UserCode, approval.BrowserBinding{})
	_, err := s.bring("ok n1 ann@acme.example "+started.UserCode.String(), b)
	is(t, err, approval.ErrOtherBrowser)
	if got := reason(t, err); got != "no_trip_of_this_browser" {
		t.Error(got)
	}
}

func TestWithoutABrokerOutsideNoAssertionIsBelieved(t *testing.T) {
	s := newStage(t, applicationtest.Options{Connections: []connection.Settings{{Slug: "acme", Domains: []string{"*"}}}})
	started := s.start(laptop)
	b := s.leave(started.UserCode, approval.BrowserBinding{})
	_, err := s.bring("ok n1 ann@acme.example "+started.UserCode.String(), b)
	is(t, err, approval.ErrInvalidAssertion)
}
