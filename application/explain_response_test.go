package application_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

func (s *fixture) explain(in application.ToExplain) (application.Explained, error) {
	return s.ExplainResponse.Execute(context.Background(), in)
}

func TestARefusedResponseCanBeExplainedForADay(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	s.begin(started.UserCode, approval.BrowserBinding{})
	_, err := s.accept("forged")
	is(t, err, approval.ErrInvalidAssertion)
	reference := s.Events(t)[2].RequestID

	got, err := s.explain(application.ToExplain{Reference: reference})
	must(t, err)
	if got.Connection != "acme" || got.Verdict != "bad_signature" || got.Was != "bad_signature" || got.Mount != connection.Canonical || len(got.Assumed) > 0 || len(got.Causes) != 1 {
		t.Errorf("got %+v, want the refusal of acme, with nothing assumed", got)
	}
	if !got.At.Equal(s.Clock.Now()) || got.Trace.Checks[0].Received != s.Broker.Last().RequestID {
		t.Errorf("got %+v, want the time and the request of the sign-in", got)
	}
	_, err = s.explain(application.ToExplain{Reference: "another-reference"})
	is(t, err, explain.ErrNotKept)

	s.Clock.Advance(24*time.Hour + time.Second)
	_, err = s.explain(application.ToExplain{Reference: reference})
	is(t, err, explain.ErrNotKept)
	if n := s.sweepExpired(); n < 1 {
		t.Errorf("got %d rows swept, want the response", n)
	}
	s.Clock.Advance(-24 * time.Hour)
	_, err = s.explain(application.ToExplain{Reference: reference})
	is(t, err, explain.ErrNotKept)
}

func TestALookAtWhatIsPersonalInAKeptResponseIsAudited(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	s.begin(started.UserCode, approval.BrowserBinding{})
	_, err := s.accept("forged")
	is(t, err, approval.ErrInvalidAssertion)
	reference := s.Events(t)[2].RequestID
	looks := func() []audit.Event {
		var found []audit.Event
		if err := s.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
			found, err = r.Audit().Events(ctx, ports.AuditFilter{Kind: audit.ResponseRevealed})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return found
	}
	ann := audit.AdminOf("ann")
	for _, in := range []application.ToExplain{
		{Reference: request.ShortID(reference), By: ann}, {Response: "ok a1 ann@beta.example", Reveal: true, By: ann},
	} {
		_, err := s.explain(in)
		must(t, err)
	}
	_, err = s.explain(application.ToExplain{Reference: "another-reference", Reveal: true, By: ann})
	is(t, err, explain.ErrNotKept)
	if got := looks(); len(got) != 0 {
		t.Errorf("got %+v, want no event: nothing that is kept was shown", got)
	}
	_, err = s.explain(application.ToExplain{Reference: request.ShortID(reference), Reveal: true, By: ann}) // as the page shows it
	must(t, err)
	if got := looks(); len(got) != 1 || got[0].Actor != ann || got[0].Connection != "acme" || got[0].Detail != reference {
		t.Errorf("got %+v, want one look by ann, with the reference", got)
	}
}

func TestAReplayIsExplainedAsOne(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	for range 2 {
		started := s.start(laptop)
		s.begin(started.UserCode, approval.BrowserBinding{})
		_, err := s.accept("ok a1 ann@acme.example")
		if err == nil {
			continue
		}
		events := s.Events(t)
		got, err := s.explain(application.ToExplain{Reference: events[len(events)-1].RequestID})
		must(t, err)
		if got.Verdict != "replayed" || len(got.Causes) != 1 || !strings.Contains(got.Causes[0], "accepted once already") {
			t.Errorf("got %+v, want a replay", got)
		}
		return
	}
	t.Error("got two accepted responses, want a replay")
}

func TestRefusedResponsesAreNotKeptWithoutATransactionOrWhenTurnedOff(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	_, err := s.acceptFor(approval.ParseRelayState(strings.Repeat("x", 32)), "ok a1 ann@acme.example")
	is(t, err, approval.ErrTransactionOver)
	_, err = s.explain(application.ToExplain{Reference: applicationtest.From(home).ID})
	is(t, err, explain.ErrNotKept)

	s = newFixture(t, applicationtest.Options{ForgetRefused: true})
	started := s.start(laptop)
	s.begin(started.UserCode, approval.BrowserBinding{})
	_, err = s.accept("forged")
	is(t, err, approval.ErrInvalidAssertion)
	_, err = s.explain(application.ToExplain{Reference: s.Events(t)[2].RequestID})
	is(t, err, explain.ErrNotKept)
}

func TestAResponseAtHandIsExplained(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	got, err := s.explain(application.ToExplain{Response: "ok a1 ann@beta.example", PostedTo: "https://gate.test" + connection.Legacy.ACSPath()})
	must(t, err)
	if got.Connection != "beta" || got.Verdict != "" || got.Mount != connection.Legacy || len(got.Assumed) != 2 || len(got.Causes) > 0 {
		t.Errorf("got %+v, want it accepted by beta on the legacy callback", got)
	}
	if strings.Contains(got.Trace.Verified.NameID, "ann") {
		t.Errorf("got NameID %q, want it redacted", got.Trace.Verified.NameID)
	}
	got, err = s.explain(application.ToExplain{Response: "ok a1 ann@beta.example", Reveal: true, At: s.Clock.Now()})
	must(t, err)
	if got.Trace.Verified.NameID != "id of ann@beta.example" || !got.At.Equal(s.Clock.Now()) {
		t.Errorf("got %+v, want what is personal", got)
	}
	_, err = s.explain(application.ToExplain{Response: "forged"})
	is(t, err, application.ErrWhichConnection)
	_, err = s.explain(application.ToExplain{Response: "forged", Connection: "nope"})
	is(t, err, connection.ErrNotListed)
	got, err = s.explain(application.ToExplain{Response: "forged", Connection: "acme"})
	must(t, err)
	if got.Verdict != "bad_signature" {
		t.Errorf("got %q, want bad_signature", got.Verdict)
	}
}
