package application_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
)

var ops = audit.Actor{Kind: audit.Admin, Name: "ops"}

// state is how far connection beta is, which is set to legacy.
func (s *fixture) state() application.ACSState {
	s.t.Helper()
	states, err := s.ACSStatus.Execute(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, of := range states {
		if of.Connection.Slug() == "beta" {
			return of
		}
	}
	s.t.Fatal("got no state of beta, want one")
	return application.ACSState{}
}

func (s *fixture) testLink() acsmove.Link {
	s.t.Helper()
	made, err := s.TestACS.Execute(s.t.Context(), "beta", ops, request.Origin{})
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Link
}

func (s *fixture) open(link acsmove.Link, b approval.BrowserBinding) (approval.BrowserBinding, error) {
	out, err := s.OpenTest.Execute(s.t.Context(), link, b, applicationtest.From("192.0.2.9"))
	return out.Browser, err
}

// answer posts a response to one of the callbacks and follows the browser.
func (s *fixture) answer(says string, on connection.Mount, b approval.BrowserBinding) (application.Completed, error) {
	ticket, err := s.Accept.Execute(s.t.Context(), application.ReceivedResponse{
		Response: says, RelayState: s.Broker.Last().RelayState, Mount: on, Origin: applicationtest.From("192.0.2.9"),
	})
	if err != nil {
		return application.Completed{}, err
	}
	return s.Complete.Execute(s.t.Context(), ticket, application.Completion{Mount: on, Browser: b, Origin: applicationtest.From("192.0.2.9")})
}

func (s *fixture) published(want ...connection.Mount) {
	s.t.Helper()
	got, err := s.Mounts.Published(s.t.Context(), "beta")
	if err != nil || !slices.Equal(got, want) {
		s.t.Errorf("metadata lists %v (%v), want %v", got, err, want)
	}
}

// signInVia signs in for a device, with a response to the callback that the request
// named, and says which that was.
func (s *fixture) signInVia(slug, id string) connection.Mount {
	s.t.Helper()
	b := s.beginVia(slug, s.start("laptop").UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	asked := s.Broker.Last().ACS
	if _, err := s.answer("ok "+id+" bob@"+slug+".example", asked, b); err != nil {
		s.t.Fatal(err)
	}
	return asked
}

func TestTheLedgerCountsWhatHappensOnEachCallback(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	began := s.Clock.Now()
	if asked := s.signInVia("beta", "_1"); asked != connection.Legacy {
		t.Fatalf("got a request for %s, want legacy", asked)
	}
	b := s.beginVia("beta", s.start("laptop").UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	if _, err := s.answer("rubbish", connection.Canonical, b); err == nil {
		t.Fatal("got no error for a response that is rubbish, want one")
	}
	s.Clock.Advance(time.Minute)
	if _, err := s.answer("ok _2 bob@beta.example", connection.Canonical, b); err != nil { // either callback will do
		t.Fatal(err)
	}
	at := s.Clock.Now()
	want := acsmove.Ledger{
		Connection: "beta", Move: acsmove.Snapshot{Connection: "beta"},
		Legacy:    acsmove.Traffic{Requests: 2, LastRequestAt: began, Succeeded: 1, FirstSuccessAt: began, LastSuccessAt: began},
		Canonical: acsmove.Traffic{Succeeded: 1, FirstSuccessAt: at, LastSuccessAt: at, Failed: 1, LastFailureAt: began, LastFailureReason: "bad_signature"},
	}
	if got := s.state(); got.Ledger != want || got.Verdict.State != acsmove.Both || !got.Proven {
		t.Errorf("got %+v, %v\nwant %+v, both", got.Ledger, got.Verdict, want)
	}
	s.published(connection.Canonical, connection.Legacy)
}

func TestATestMovesAConnectionWhenItWorks(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	link := s.testLink()
	via, err := s.OpenTest.Look(t.Context(), link, applicationtest.From("192.0.2.9"))
	if err != nil || via.Slug() != "beta" {
		t.Fatalf("got %v, %v, want beta", via, err)
	}
	b, err := s.open(link, approval.BrowserBinding{})
	if err != nil || s.Broker.Last().ACS != connection.Canonical {
		t.Fatalf("got %v and a request for %s, want canonical", err, s.Broker.Last().ACS)
	}
	if asked := s.startAndAsk(); asked != connection.Legacy {
		t.Errorf("meanwhile others: got a request for %s, want legacy", asked)
	}
	s.Broker.Begun = s.Broker.Begun[:1]
	done, err := s.answer("ok _t bob@beta.example", connection.Canonical, b)
	if err != nil || done.Purpose != approval.TestConnection || !done.Session.IsZero() {
		t.Fatalf("got %+v, %v; want a test and no grant session", done, err)
	}
	result, err := s.DescribeTest.Execute(t.Context(), b)
	if err != nil || result.Outcome != acsmove.TestPassed || !result.Moved || result.Test.Subject.Email().String() != "bob@beta.example" {
		t.Errorf("got %+v, %v, want bob's test passed and the connection moved", result, err)
	}
	if asked := s.startAndAsk(); asked != connection.Canonical {
		t.Errorf("afterwards: got a request for %s, want canonical", asked)
	}
	if s.Count(t, audit.TokenMinted) != 0 || s.Count(t, audit.ACSMoved) != 1 || s.Count(t, audit.ACSTestPassed) != 1 {
		t.Errorf("got %s, want no token, and one test passed and one move", s.History(t))
	}
	s.published(connection.Canonical, connection.Legacy) // a request for legacy is under way
	s.Clock.Advance(24 * time.Hour)
	s.published(connection.Canonical)
}

// startAndAsk begins a sign-in and says which callback the request named.
func (s *fixture) startAndAsk() connection.Mount {
	s.t.Helper()
	s.beginVia("beta", s.start("laptop").UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	return s.Broker.Last().ACS
}

func TestATestThatFailsKeepsTheReasonAndMovesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		end     func(s *fixture, b approval.BrowserBinding)
		outcome acsmove.Outcome
		reason  string
	}{
		"the response is refused": {func(s *fixture, b approval.BrowserBinding) {
			_, err := s.answer("rubbish", connection.Canonical, b)
			var failed *application.SignInError
			if !errors.As(err, &failed) || failed.Purpose != approval.TestConnection {
				s.t.Errorf("got %v, want a SignInError of a test", err)
			}
		}, acsmove.TestFailed, "bad_signature"},
		"the identity provider denies": {func(s *fixture, b approval.BrowserBinding) {
			_, _ = s.answer("denied", connection.Canonical, b)
		}, acsmove.TestFailed, "denied_by_idp"},
		"it posts to the legacy callback nevertheless": {func(s *fixture, b approval.BrowserBinding) {
			if _, err := s.answer("ok _1 bob@beta.example", connection.Legacy, b); err != nil {
				s.t.Error(err)
			}
		}, acsmove.TestFailed, "answered_on_legacy"},
		"it shows an error page of its own": {func(s *fixture, _ approval.BrowserBinding) {
			s.Clock.Advance(5 * time.Minute)
		}, acsmove.TestUnanswered, ""},
		"another browser brings the response": {func(s *fixture, _ approval.BrowserBinding) {
			_, err := s.answer("ok _1 bob@beta.example", connection.Canonical, approval.BrowserBinding{}.OrNew())
			if !errors.Is(err, approval.ErrOtherBrowser) {
				s.t.Errorf("got %v, want ErrOtherBrowser", err)
			}
		}, acsmove.TestFailed, "browser_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, applicationtest.Options{})
			b, err := s.open(s.testLink(), approval.BrowserBinding{})
			if err != nil {
				t.Fatal(err)
			}
			c.end(s, b)
			got := s.state()
			if got.Test != c.outcome || got.Ledger.Move.Test.Reason != c.reason || got.Advertised != connection.Legacy {
				t.Errorf("got %q (%s), requests name %s; want %q (%s), legacy", got.Test, got.Ledger.Move.Test.Reason, got.Advertised, c.outcome, c.reason)
			}
			if s.Count(t, audit.ACSMoved) != 0 {
				t.Errorf("got %s, want no move", s.History(t))
			}
		})
	}
}

func TestATestLinkIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		link func(s *fixture) acsmove.Link
		want error
	}{
		"that was made up": {func(*fixture) acsmove.Link {
			return acsmove.ParseLink(strings.Repeat("x", 43))
		}, acsmove.ErrUnknownTest},
		"that was opened before, by another browser": {func(s *fixture) acsmove.Link {
			link := s.testLink()
			if _, err := s.open(link, approval.BrowserBinding{}); err != nil {
				s.t.Fatal(err)
			}
			return link
		}, acsmove.ErrTestUsed},
		"that a later one replaced": {func(s *fixture) acsmove.Link {
			link := s.testLink()
			s.testLink()
			return link
		}, acsmove.ErrUnknownTest},
		"that expired": {func(s *fixture) acsmove.Link {
			link := s.testLink()
			s.Clock.Advance(24 * time.Hour)
			return link
		}, acsmove.ErrTestExpired},
		"after the connection was changed": {func(s *fixture) acsmove.Link {
			link := s.testLink()
			s.serve(connection.Settings{Slug: "beta", Domains: []string{"beta.test"}, ACSMount: connection.Legacy})
			return link
		}, acsmove.ErrConnectionChanged},
		"after the connection was removed": {func(s *fixture) acsmove.Link {
			link := s.testLink()
			s.serve(connection.Settings{Slug: "acme", Domains: []string{"acme.example"}})
			return link
		}, acsmove.ErrConnectionChanged},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, applicationtest.Options{})
			link := c.link(s)
			begun := len(s.Broker.Begun)
			if _, err := s.open(link, approval.BrowserBinding{}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if len(s.Broker.Begun) != begun {
				t.Error("got the browser sent to the identity provider, want it kept")
			}
		})
	}
	s := newFixture(t, applicationtest.Options{})
	if _, err := s.TestACS.Execute(t.Context(), "dify", ops, request.Origin{}); !errors.Is(err, acsmove.ErrNotSAML) {
		t.Errorf("another broker: got %v, want ErrNotSAML", err)
	}
	if _, err := s.TestACS.Execute(t.Context(), "none", ops, request.Origin{}); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if _, err := s.DescribeTest.Execute(t.Context(), approval.BrowserBinding{}.OrNew()); !errors.Is(err, acsmove.ErrUnknownTest) {
		t.Errorf("a browser without a test: got %v, want ErrUnknownTest", err)
	}
}

// serve replaces all connections.
func (s *fixture) serve(settings connection.Settings) {
	s.t.Helper()
	c, err := connection.New(settings)
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := connection.NewDirectory(c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Connections.Replace(d)
}

func (s *fixture) advance(in application.Advance) ([]string, error) {
	in.By = ops
	return s.AdvanceACS.Execute(s.t.Context(), in)
}

func TestAdvanceMovesWhatIsProvenAllOrNothing(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	if slugs, err := s.advance(application.Advance{}); err != nil || len(slugs) != 0 {
		t.Errorf("nothing is proven: got %v, %v, want none moved", slugs, err)
	}
	for slugs, want := range map[string]error{"beta": acsmove.ErrNotProven, "acme": acsmove.ErrNothingToMove, "none": connection.ErrUnknown, "dify": connection.ErrUnknown} {
		if _, err := s.advance(application.Advance{Connections: []string{slugs}}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", slugs, err, want)
		}
	}
	if _, err := s.advance(application.Advance{Connections: []string{"beta", "acme"}, Unproven: true}); !errors.Is(err, acsmove.ErrNothingToMove) || s.state().Advertised != connection.Legacy {
		t.Errorf("one cannot be moved: got %v, want none moved", err)
	}

	b := s.beginVia("beta", s.start("laptop").UserCode, approval.BrowserBinding{}, approval.GrantSession{})
	if _, err := s.answer("ok _1 bob@beta.example", connection.Canonical, b); err != nil {
		t.Fatal(err)
	}
	if slugs, err := s.advance(application.Advance{DryRun: true}); err != nil || !slices.Equal(slugs, []string{"beta"}) || s.state().Advertised != connection.Legacy {
		t.Errorf("dry run: got %v, %v and %s, want beta, and legacy still", slugs, err, s.state().Advertised)
	}
	if slugs, err := s.advance(application.Advance{}); err != nil || !slices.Equal(slugs, []string{"beta"}) || s.state().Advertised != connection.Canonical {
		t.Errorf("got %v, %v and %s, want beta moved to canonical", slugs, err, s.state().Advertised)
	}
	if slugs, err := s.advance(application.Advance{Connections: []string{"beta"}, Back: true}); err != nil || len(slugs) != 1 || s.state().Advertised != connection.Legacy {
		t.Errorf("back: got %v, %v and %s, want beta moved to legacy", slugs, err, s.state().Advertised)
	}
	if s.Count(t, audit.ACSMoved) != 1 || s.Count(t, audit.ACSMovedBack) != 1 {
		t.Errorf("got %s, want one move and one back", s.History(t))
	}
}

func TestTheLegacyCallbackIsClosedWhenNoConnectionNeedsIt(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	closed := func(in application.Closing) error { in.By = ops; return s.CloseLegacy.Execute(t.Context(), in) }
	var needed application.LegacyNeededError
	if err := closed(application.Closing{}); !errors.As(err, &needed) || len(needed.By) != 1 || !strings.Contains(err.Error(), "connection beta: its requests") {
		t.Errorf("got %v, want LegacyNeededError by beta", err)
	}
	if err := closed(application.Closing{Forced: true}); err != nil {
		t.Error(err)
	}
	if events := s.AuditEvents(t); len(events) != 1 || events[0].Reason != "forced" || events[0].Detail != "needed by beta" || events[0].Actor != ops {
		t.Errorf("got %+v, want one forced closing that names beta", events)
	}
	s.signInVia("beta", "_1")
	if _, err := s.advance(application.Advance{Connections: []string{"beta"}, Unproven: true}); err != nil {
		t.Fatal(err)
	}
	if err := closed(application.Closing{DryRun: true}); !errors.As(err, &needed) || !strings.Contains(err.Error(), "came to the legacy callback on 2026-11-25") {
		t.Errorf("a response has just come: got %v, want it refused with the day", err)
	}
	s.Clock.Advance(7 * 24 * time.Hour)
	if err := closed(application.Closing{DryRun: true}); err != nil || s.Count(t, audit.ACSLegacyClosed) != 1 {
		t.Errorf("dry run: got %v, want none, and no further event", err)
	}
	if err := closed(application.Closing{}); err != nil || s.Count(t, audit.ACSLegacyClosed) != 2 {
		t.Errorf("got %v, want none, and the closing recorded", err)
	}
}

func TestWithoutTheLegacyMountRequestsAndMetadataNameTheCanonicalCallback(t *testing.T) {
	s := newFixture(t, applicationtest.Options{LegacyOff: true})
	if asked := s.startAndAsk(); asked != connection.Canonical {
		t.Errorf("got a request for %s, want canonical", asked)
	}
	s.published(connection.Canonical)
	_, err := s.Mounts.Published(t.Context(), "")
	if err != nil {
		t.Error(err)
	}
	on := newFixture(t, applicationtest.Options{})
	if got, err := on.Mounts.Published(t.Context(), ""); err != nil || len(got) != 2 {
		t.Errorf("in general: got %v, %v, want both", got, err)
	}
	if _, err := on.Mounts.Published(t.Context(), "none"); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}
