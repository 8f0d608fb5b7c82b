package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
)

func TestADecisionIsDescribedForFiveMinutes(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	decided, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	must(t, err)

	got, err := s.DescribeDecision.Execute(t.Context(), decided.Undo)
	must(t, err)
	if got.Subject.Email().String() != "ann@acme.example" || got.DeviceLabel != laptop || got.ClientName != "Dify CLI" || got.Fetched {
		t.Errorf("got %+v, want the device, the person, and that it has fetched nothing", got)
	}
	if want := s.Clock.Now().Add(time.Duration(applicationtest.TokenLife)); !got.Until.Equal(want) {
		t.Errorf("got an end at %s, want %s", got.Until, want)
	}
	token := s.redeem(started.Code).Token.Snapshot()
	got, err = s.DescribeDecision.Execute(t.Context(), decided.Undo)
	must(t, err)
	if !got.Fetched || !got.Until.Equal(token.ExpiresAt) {
		t.Errorf("got %+v, want that it has fetched a token until %s", got, token.ExpiresAt)
	}
	must(t, s.Undo.Execute(t.Context(), decided.Undo, applicationtest.From(home)))
	got, err = s.DescribeDecision.Execute(t.Context(), decided.Undo)
	must(t, err)
	if got.Fetched || !got.Until.IsZero() {
		t.Errorf("got %+v, want no access after it was taken back", got)
	}
	s.Clock.Advance(grantTime)
	_, err = s.DescribeDecision.Execute(t.Context(), decided.Undo)
	is(t, err, approval.ErrInvalidSession)
	_, err = s.DescribeDecision.Execute(t.Context(), approval.UndoToken{})
	is(t, err, approval.ErrInvalidSession)
}

func TestAPersonsDevicesAreRecalled(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	ann := s.ownSessions(s.manage("ann@acme.example")).SignIn.Subject
	bob := s.ownSessions(s.manage("bob@acme.example")).SignIn.Subject
	got, err := s.Recall.Execute(t.Context(), ann, "difyctl", laptop)
	must(t, err)
	if got.Any || got.OfClient || got.From.IsValid() {
		t.Errorf("before a token was fetched: got %+v, want nothing", got)
	}
	s.redeem(started.Code)
	for name, c := range map[string]struct {
		label, client string
		any, of, from bool
	}{
		"the same device": {laptop, "difyctl", true, true, true},
		"another device":  {"desktop", "difyctl", true, true, false},
		"another client":  {laptop, "another", true, false, false},
	} {
		got, err := s.Recall.Execute(t.Context(), ann, c.client, c.label)
		must(t, err)
		if got.Any != c.any || got.OfClient != c.of || got.From.IsValid() != c.from || c.from && got.From.String() != home {
			t.Errorf("%s: got %+v, want %+v", name, got, c)
		}
	}
	got, err = s.Recall.Execute(t.Context(), bob, "difyctl", laptop)
	must(t, err)
	if got.Any {
		t.Errorf("another person: got %+v, want nothing", got)
	}
}

// A device is not new because its access has ended. Where it is shown is where its
// token was fetched, not where the login began.
func TestADeviceThatEndedIsStillRecalled(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	redeemed, err := s.poll(started.Code, office)
	must(t, err)
	ann := s.ownSessions(s.manage("ann@acme.example")).SignIn.Subject
	got, err := s.Recall.Execute(t.Context(), ann, "difyctl", laptop)
	if err != nil || got.From.String() != office {
		t.Errorf("got %+v, %v, want a device that is at %s", got, err, office)
	}
	must(t, s.RevokeToken.Execute(t.Context(), redeemed.Secret, "difyctl", applicationtest.From(office)))
	got, err = s.Recall.Execute(t.Context(), ann, "difyctl", laptop)
	if err != nil || !got.Any || !got.OfClient || got.From.IsValid() {
		t.Errorf("got %+v, %v, want a device on record that is nowhere", got, err)
	}
}

func TestLeavingABrowserEndsItsGrants(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	h := s.signIn(started.UserCode, "ann@acme.example")
	proof := s.proof(h, started.UserCode)
	is(t, s.Leave.Execute(t.Context(), approval.Proof{Session: h}, applicationtest.From(home)), approval.ErrCSRF)
	s.proof(h, started.UserCode) // still there
	must(t, s.Leave.Execute(t.Context(), proof, applicationtest.From(home)))
	_, err := s.Describe.Execute(t.Context(), h, started.UserCode, applicationtest.From(home))
	is(t, err, approval.ErrNoSession)
	_, err = s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
	is(t, err, approval.ErrInvalidSession)
	must(t, s.Leave.Execute(t.Context(), proof, applicationtest.From(home))) // again
	must(t, s.Leave.Execute(t.Context(), approval.Proof{}, applicationtest.From(home)))
	events := s.Events(t)
	last := events[len(events)-1]
	if last.Event != "sso.browser_left" || last.SubjectEmail != "ann@acme.example" {
		t.Errorf("got %s of %s last, want sso.browser_left of ann", last.Event, last.SubjectEmail)
	}
	if got, err := s.lookUp(started.UserCode.String(), home); err != nil || got.UserCode == (device.UserCode{}) {
		t.Errorf("got %+v, %v, want the device to wait on", got, err)
	}
}
