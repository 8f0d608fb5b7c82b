package acsmove_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

var ops = audit.Actor{Kind: audit.Admin, Name: "ops"}

func via(t *testing.T, change func(*connection.Settings)) connection.Connection {
	t.Helper()
	s := connection.Settings{Slug: "acme", Domains: []string{"acme.example"}, ACSMount: connection.Legacy}
	if change != nil {
		change(&s)
	}
	c, err := connection.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func alice(t *testing.T) identity.Subject {
	t.Helper()
	email, err := identity.ParseEmail("alice@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSubject(email, "https://idp.example", "alice")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fixture is a connection whose test was opened.
type fixture struct {
	*acsmove.Move
	via         connection.Connection
	link        acsmove.Link
	transaction uid.ID
}

func opened(t *testing.T) fixture {
	t.Helper()
	f := fixture{Move: acsmove.New("acme"), via: via(t, nil), transaction: uid.New(now)}
	var err error
	if f.link, _, err = f.NewTest(f.via, ops, now, request.Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := f.OpenTest(f.link, f.via, f.transaction, approval.BrowserBinding{}.OrNew().Digest(), now); err != nil {
		t.Fatal(err)
	}
	return f
}

func kinds(events []audit.Event) (out []audit.Kind) {
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return out
}

func TestAdvanceAndRevert(t *testing.T) {
	m, legacy := acsmove.New("acme"), via(t, nil)
	refused := func(want error, seen acsmove.Ledger, through connection.Connection, unproven bool) {
		t.Helper()
		before := m.Snapshot()
		if _, err := m.Advance(seen, through, unproven, ops, now, request.Origin{}); !errors.Is(err, want) || m.Snapshot() != before {
			t.Errorf("got %v, want %v and no change", err, want)
		}
	}
	if _, err := m.Revert(ops, now, request.Origin{}); !errors.Is(err, acsmove.ErrNothingToMove) || !strings.Contains(err.Error(), "was not moved") {
		t.Errorf("got %v, want ErrNothingToMove that says that it was not moved", err)
	}
	refused(acsmove.ErrNotProven, seen(false, 1, -1), legacy, false)
	refused(acsmove.ErrNothingToMove, seen(false, 1, 1), via(t, func(s *connection.Settings) { s.ACSMount = connection.Canonical }), true)

	moved, err := m.Advance(seen(false, 2, 1), legacy, false, ops, now, request.Origin{})
	if err != nil || moved.Kind != audit.ACSMoved || moved.Reason != "proven" || moved.Connection != "acme" || moved.Actor != ops {
		t.Errorf("got %+v, %v, want ACME moved by ops as proven", moved, err)
	}
	if got := m.Snapshot().Advertised(connection.Legacy); got != connection.Canonical {
		t.Errorf("got %s, want %s", got, connection.Canonical)
	}
	refused(acsmove.ErrNothingToMove, seen(false, 2, 1), legacy, true)
	if back, err := m.Revert(ops, now, request.Origin{}); err != nil || back.Kind != audit.ACSMovedBack || m.Snapshot().Advertised(connection.Legacy) != connection.Legacy {
		t.Errorf("got %+v, %v, want it moved back", back, err)
	}
	if moved, err = m.Advance(seen(false, 2, -1), legacy, true, ops, now, request.Origin{}); err != nil || moved.Reason != "unproven" {
		t.Errorf("got %+v, %v, want it moved unproven", moved, err)
	}
}

func TestALinkIsOpenedOnceInTimeAndForTheConnectionThatItWasMadeFor(t *testing.T) {
	f := opened(t)
	fresh := acsmove.New("acme")
	link, _, err := fresh.NewTest(f.via, ops, now, request.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	other := acsmove.ParseLink("made up")
	changed := via(t, func(s *connection.Settings) { s.SAML.MetadataURL = "https://other.example" })
	for name, c := range map[string]struct {
		move *acsmove.Move
		link acsmove.Link
		via  connection.Connection
		at   time.Time
		want error
	}{
		"made up":             {fresh, other, f.via, now, acsmove.ErrUnknownTest},
		"of another test":     {fresh, f.link, f.via, now, acsmove.ErrUnknownTest},
		"opened twice":        {f.Move, f.link, f.via, now, acsmove.ErrTestUsed},
		"a day later":         {fresh, link, f.via, now.Add(day), acsmove.ErrTestExpired},
		"the connection is":   {fresh, link, changed, now, acsmove.ErrConnectionChanged},
		"just before it ends": {fresh, link, f.via, now.Add(day - 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.move.CheckTest(c.link, c.via, c.at); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			before := c.move.Snapshot()
			if c.want == nil {
				return
			}
			if err := c.move.OpenTest(c.link, c.via, uid.New(now), before.Test.Link, c.at); !errors.Is(err, c.want) || c.move.Snapshot() != before {
				t.Errorf("open: got %v, want %v and no change", err, c.want)
			}
		})
	}
	if _, _, err := fresh.NewTest(via(t, func(s *connection.Settings) { s.Broker = connection.Enterprise }), ops, now, request.Origin{}); !errors.Is(err, acsmove.ErrNotSAML) {
		t.Errorf("got %v, want ErrNotSAML", err)
	}
	if _, _, err := fresh.NewTest(f.via, ops, now, request.Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := fresh.CheckTest(link, f.via, now); !errors.Is(err, acsmove.ErrUnknownTest) {
		t.Errorf("a later test: got %v, want ErrUnknownTest", err)
	}
}

func TestATestThatPassesMovesTheConnection(t *testing.T) {
	f := opened(t)
	events, err := f.PassTest(f.transaction, f.via, alice(t), connection.Canonical, now, request.Origin{})
	if err != nil || len(events) != 2 || events[0].Kind != audit.ACSTestPassed || events[1].Kind != audit.ACSMoved || events[1].Reason != "tested" {
		t.Fatalf("got %v, %v, want the test passed and the connection moved", kinds(events), err)
	}
	s := f.Snapshot()
	if s.Advertised(connection.Legacy) != connection.Canonical || s.MovedBy != "ops" || s.Test.Outcome(now) != acsmove.TestPassed || s.Test.Subject != alice(t) {
		t.Errorf("got %+v, want it moved by ops after alice's test", s)
	}
	if _, err := f.FailTest(f.transaction, "replayed", "", now, request.Origin{}); !errors.Is(err, acsmove.ErrUnknownTest) {
		t.Errorf("a failure afterwards: got %v, want ErrUnknownTest", err)
	}
}

func TestATestThatFailsMovesNothing(t *testing.T) {
	changed := via(t, func(s *connection.Settings) { s.Domains = []string{"acme.example", "other.example"} })
	for name, c := range map[string]struct {
		end    func(f fixture) ([]audit.Event, error)
		reason string
	}{
		"a refused response": {func(f fixture) ([]audit.Event, error) {
			return f.FailTest(f.transaction, "unknown_key", "expected a, received b", now, request.Origin{})
		}, "unknown_key"},
		"a response to the legacy callback": {func(f fixture) ([]audit.Event, error) {
			return f.PassTest(f.transaction, f.via, alice(t), connection.Legacy, now, request.Origin{})
		}, "answered_on_legacy"},
		"a connection that was changed meanwhile": {func(f fixture) ([]audit.Event, error) {
			return f.PassTest(f.transaction, changed, alice(t), connection.Canonical, now, request.Origin{})
		}, "connection_changed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := opened(t)
			events, err := c.end(f)
			if err != nil || len(events) != 1 || events[0].Kind != audit.ACSTestFailed || events[0].Reason != c.reason {
				t.Fatalf("got %v, %v, want one failed test for %s", kinds(events), err, c.reason)
			}
			s := f.Snapshot()
			if s.Advertised(connection.Legacy) != connection.Legacy || s.Test.Outcome(now) != acsmove.TestFailed || s.Test.Reason != c.reason {
				t.Errorf("got %+v, want it not moved, and the test failed for %s", s, c.reason)
			}
			if _, err := acsmove.Restore(s); err != nil {
				t.Error(err)
			}
			if events, err = f.PassTest(f.transaction, f.via, alice(t), connection.Canonical, now, request.Origin{}); err != nil || len(events) != 2 {
				t.Errorf("a good response afterwards: got %v, %v, want it to pass and move", kinds(events), err)
			}
		})
	}
	f := opened(t)
	before := f.Snapshot()
	if _, err := f.PassTest(uid.New(now), f.via, alice(t), connection.Canonical, now, request.Origin{}); !errors.Is(err, acsmove.ErrUnknownTest) || f.Snapshot() != before {
		t.Errorf("another sign-in: got %v, want ErrUnknownTest and no change", err)
	}
}

func TestATestWithoutAnAnswer(t *testing.T) {
	f := opened(t)
	for after, want := range map[time.Duration]acsmove.Outcome{0: acsmove.TestOpened, 5*time.Minute - 1: acsmove.TestOpened, 5 * time.Minute: acsmove.TestUnanswered} {
		if got := f.Snapshot().Test.Outcome(now.Add(after)); got != want {
			t.Errorf("after %s: got %q, want %q", after, got, want)
		}
	}
	fresh := acsmove.New("acme")
	if _, _, err := fresh.NewTest(f.via, ops, now, request.Origin{}); err != nil {
		t.Fatal(err)
	}
	if got := fresh.Snapshot().Test.Outcome(now); got != acsmove.TestWaiting {
		t.Errorf("got %q, want %q", got, acsmove.TestWaiting)
	}
	if got := fresh.Snapshot().Test.Outcome(now.Add(day)); got != acsmove.TestExpired {
		t.Errorf("got %q, want %q", got, acsmove.TestExpired)
	}
}

func TestImpossibleStatesAreNotRestored(t *testing.T) {
	good := opened(t).Snapshot()
	if _, err := acsmove.Restore(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*acsmove.Snapshot){
		"no connection":          func(s *acsmove.Snapshot) { s.Connection = "" },
		"moved by nothing":       func(s *acsmove.Snapshot) { s.MovedAt = now },
		"passed without an end":  func(s *acsmove.Snapshot) { s.Test.Passed = true },
		"ended without opening":  func(s *acsmove.Snapshot) { s.Test.OpenedAt = time.Time{} },
		"passed with a reason":   func(s *acsmove.Snapshot) { s.Test.EndedAt, s.Test.Passed, s.Test.Reason = now, true, "x" },
		"a browser but no test":  func(s *acsmove.Snapshot) { s.Test.ID = uid.ID{} },
		"a subject but no end":   func(s *acsmove.Snapshot) { s.Test.Subject = alice(t) },
		"ended without a result": func(s *acsmove.Snapshot) { s.Test.EndedAt = now },
	} {
		s := good
		change(&s)
		if _, err := acsmove.Restore(s); err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
}
