package application_test

import (
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// manage signs a person in who wants to manage their devices.
func (s *fixture) manage(email string) approval.GrantSession {
	s.t.Helper()
	out, err := s.AccountSignIn.Execute(s.t.Context(), application.Initiate{Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)})
	must(s.t, err)
	ticket, err := s.accept("ok " + secret.Random("", 9).Reveal() + " " + email)
	must(s.t, err)
	completed, err := s.Complete.Execute(s.t.Context(), ticket, application.Completion{Mount: connection.Canonical, Browser: out.Browser, Origin: applicationtest.From(home)})
	must(s.t, err)
	if completed.Purpose != approval.ManageDevices || completed.NeedsCode {
		s.t.Errorf("got %+v, want a sign-in for managing devices", completed)
	}
	return completed.Session
}

func (s *fixture) ownSessions(h approval.GrantSession) application.Sessions {
	s.t.Helper()
	page, err := application.NewPage(1, 100)
	must(s.t, err)
	out, err := s.ListSessions.Execute(s.t.Context(), application.OwnerAt(approval.Proof{Session: h}), page)
	must(s.t, err)
	return out
}

func (s *fixture) verify(secret token.Secret) error {
	_, err := s.Verify.Execute(s.t.Context(), secret, applicationtest.From(home))
	return err
}

// F10: a sign-in for managing devices has no authorization, no user code and no
// client, and can decide nothing.
func TestASignInForManagingDevicesIsNoDeviceFlow(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	waiting := s.start(laptop)
	h := s.manage("ann@acme.example")
	s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed")
	for _, e := range s.Events(t)[1:] {
		if e.ClientID != "" || e.DeviceLabel != "" {
			t.Errorf("%s: got the client %q and the device %q, want neither", e.Event, e.ClientID, e.DeviceLabel)
		}
	}
	if found, err := s.lookUp(s.Broker.Last().UserCode.String(), home); err != nil || found.Valid {
		t.Errorf("the broker's code is looked up: got %+v, %v, want no code", found, err)
	}
	_, err := s.Describe.Execute(t.Context(), h, device.UserCode{}, applicationtest.From(home))
	is(t, err, approval.ErrNoSession)
	proof := approval.Proof{Session: h, CSRF: s.ownSessions(h).SignIn.CSRF}
	for name, decide := range decisions(s) {
		for _, code := range []device.UserCode{{}, waiting.UserCode, s.Broker.Last().UserCode} {
			if _, err := decide(proof, code); !errors.Is(err, approval.ErrUserCodeMismatch) {
				t.Errorf("%s %s: got %v, want user_code_mismatch", name, code, err)
			}
		}
	}
	_, _, err = s.EnterCode.Execute(t.Context(), proof, waiting.UserCode.String(), applicationtest.From(home))
	is(t, err, approval.ErrUserCodeMismatch)
}

func TestSignInsForManagingDevicesAreLimited(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	in := application.Initiate{Connection: "acme", Mount: connection.Canonical, Origin: applicationtest.From(home)}
	for range quota.StartAccountSignIn.Max {
		_, err := s.AccountSignIn.Execute(t.Context(), in)
		must(t, err)
	}
	out, err := s.AccountSignIn.Execute(t.Context(), in)
	is(t, err, quota.ErrExceeded)
	if !out.Allowance.Exceeded {
		t.Errorf("got %+v, want when to come back", out.Allowance)
	}
}

func TestAPersonSeesAndEndsTheirOwnDevicesOnly(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	first := s.redeem(s.login("first").Code)
	s.Clock.Advance(interval)
	second := s.redeem(s.login("second").Code)
	other := s.start("other")
	s.approve(other.UserCode, "bob@acme.example")
	bobs := s.redeem(other.Code)

	h := s.manage("ann@acme.example")
	out := s.ownSessions(h)
	if out.Total != 2 || out.Sessions[0].Label != "second" || out.Sessions[1].Label != "first" {
		t.Fatalf("got the sessions %+v of Ann, want second and first", out.Sessions)
	}
	if d := out.Sessions[0]; d.ClientName != "Dify CLI" || d.From.String() != home || !d.LastUsedAt.IsZero() {
		t.Errorf("got the session %+v, want an unused one of Dify CLI from %s", d, home)
	}
	proof := approval.Proof{Session: h, CSRF: out.SignIn.CSRF}
	end := func(p approval.Proof, id uid.ID) (int, error) {
		return s.EndSessions.Execute(t.Context(), application.OwnerAt(p), id, applicationtest.From(home))
	}

	_, err := end(approval.Proof{Session: h, CSRF: approval.ParseCSRF("wrong")}, uid.ID{})
	is(t, err, approval.ErrCSRF)
	_, err = end(approval.Proof{Session: approval.NewGrantSession(), CSRF: out.SignIn.CSRF}, uid.ID{})
	is(t, err, approval.ErrInvalidSession)
	_, err = end(proof, bobs.Token.Snapshot().ID)
	is(t, err, fault.ErrNotFound)
	_, err = end(proof, uid.New(s.Clock.Now()))
	is(t, err, fault.ErrNotFound)
	is(t, s.verify(first.Secret), nil)

	ended, err := end(proof, first.Token.Snapshot().ID)
	must(t, err)
	again, err := end(proof, first.Token.Snapshot().ID)
	must(t, err)
	if ended != 1 || again != 0 {
		t.Errorf("got %d ended, then %d, want 1, then 0", ended, again)
	}
	is(t, s.verify(first.Secret), token.ErrInvalid)
	is(t, s.verify(second.Secret), nil)

	_, err = end(proof, uid.ID{})
	must(t, err)
	is(t, s.verify(second.Secret), token.ErrInvalid)
	is(t, s.verify(bobs.Secret), nil)

	s.Clock.Advance(grantTime)
	page, err := application.NewPage(1, 100)
	must(t, err)
	_, err = s.ListSessions.Execute(t.Context(), application.OwnerAt(approval.Proof{Session: h}), page)
	is(t, err, approval.ErrNoSession)
	_, err = end(proof, uid.ID{})
	is(t, err, approval.ErrInvalidSession)
}

// F01: an approved device that has not fetched its token is on the list, and can
// be stopped there.
func TestAnApprovedDeviceIsListedAndCanBeTurnedAway(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	one, two := s.login("one"), s.login("two")
	bobs := s.start("bob's")
	s.approve(bobs.UserCode, "bob@acme.example")
	h := s.manage("ann@acme.example")
	out := s.ownSessions(h)
	if len(out.Waiting) != 2 || out.Total != 0 {
		t.Fatalf("got %+v, want two that wait", out)
	}
	proof := application.OwnerAt(approval.Proof{Session: h, CSRF: out.SignIn.CSRF})
	end := func(id uid.ID) (int, error) {
		return s.EndSessions.Execute(t.Context(), proof, id, applicationtest.From(home))
	}
	for _, d := range out.Waiting {
		if d.ClientName != "Dify CLI" || d.From.String() != home || d.ApprovedAt.IsZero() {
			t.Errorf("got the waiting device %+v, want an approved one of Dify CLI from %s", d, home)
		}
		if d.Label == "one" {
			for _, want := range []int{1, 0} {
				if ended, err := end(d.ID); err != nil || ended != want {
					t.Errorf("got %d ended, %v, want %d", ended, err, want)
				}
			}
		}
	}
	_, err := s.poll(one.Code, home)
	is(t, err, device.ErrAccessDenied)
	s.redeem(two.Code)
	if left := s.ownSessions(h); len(left.Waiting) != 0 || left.Total != 1 {
		t.Errorf("got %+v, want one session", left)
	}
	s.login("three")
	if ended, err := end(uid.ID{}); err != nil || ended != 2 {
		t.Errorf("all: got %d ended, %v, want 2", ended, err)
	}
	s.redeem(bobs.Code)
}

func TestAnotherPersonsApprovedDeviceIsNotFound(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	anns := s.login(laptop)
	h := s.manage("bob@acme.example")
	id := s.ownSessions(s.manage("ann@acme.example")).Waiting[0].ID
	_, err := s.EndSessions.Execute(t.Context(), application.OwnerAt(approval.Proof{Session: h, CSRF: s.ownSessions(h).SignIn.CSRF}), id, applicationtest.From(home))
	is(t, err, fault.ErrNotFound)
	s.redeem(anns.Code)
}

func TestAnApprovalCanBeUndone(t *testing.T) {
	undo := func(s *fixture, token approval.UndoToken) error {
		return s.Undo.Execute(s.t.Context(), token, applicationtest.From(home))
	}
	approve := func(s *fixture, h approval.GrantSession, started application.Started) approval.UndoToken {
		s.t.Helper()
		decided, err := s.Approve.Execute(s.t.Context(), s.proof(h, started.UserCode), started.UserCode, applicationtest.From(home))
		must(s.t, err)
		return decided.Undo
	}
	approved := func(t *testing.T) (*fixture, application.Started, approval.UndoToken) {
		s := newFixture(t, applicationtest.Options{})
		started := s.start(laptop)
		return s, started, approve(s, s.signIn(started.UserCode, "ann@acme.example"), started)
	}
	undone := func(s *fixture) int {
		n := 0
		for _, e := range s.Events(s.t) {
			if e.Reason == "undone" {
				n++
			}
		}
		return n
	}

	t.Run("before the device has its token, which it then never gets", func(t *testing.T) {
		s, started, token := approved(t)
		must(t, undo(s, token))
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrAccessDenied)
	})
	t.Run("afterwards, and the token is dead at once", func(t *testing.T) {
		s, started, undoToken := approved(t)
		redeemed := s.redeem(started.Code)
		is(t, s.verify(redeemed.Secret), nil)
		must(t, undo(s, undoToken))
		is(t, s.verify(redeemed.Secret), token.ErrInvalid)
		s.Clock.Advance(interval)
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrExpiredToken)
	})
	t.Run("after the browser has signed in again", func(t *testing.T) { // F01
		s := newFixture(t, applicationtest.Options{})
		started, later := s.start(laptop), s.start("later")
		b := s.begin(started.UserCode, approval.BrowserBinding{})
		ticket, err := s.accept("ok a1 ann@acme.example")
		must(t, err)
		h, err := s.complete(ticket, b, approval.GrantSession{})
		must(t, err)
		undoToken := approve(s, h, started)
		s.begin(later.UserCode, b)
		ticket, err = s.accept("ok a2 ann@acme.example")
		must(t, err)
		_, err = s.complete(ticket, b, h) // moves all grants into a new session
		must(t, err)
		must(t, undo(s, undoToken))
		_, err = s.poll(started.Code, home)
		is(t, err, device.ErrAccessDenied)
	})
	t.Run("twice, which changes nothing and adds no event", func(t *testing.T) { // F09
		for _, redeem := range []bool{false, true} {
			s, started, undoToken := approved(t)
			if redeem {
				s.redeem(started.Code)
			}
			must(t, undo(s, undoToken))
			want := undone(s)
			for range 3 {
				must(t, undo(s, undoToken))
			}
			if got := undone(s); got != want {
				t.Errorf("redeemed %t: got %d events, want %d", redeem, got, want)
			}
		}
	})
	t.Run("and a token whose answer was lost does not come back either", func(t *testing.T) {
		s, started, undoToken := approved(t)
		lost := s.redeem(started.Code)
		must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
		must(t, undo(s, undoToken))
		s.Clock.Advance(interval)
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrExpiredToken)
	})
	t.Run("with its own token only", func(t *testing.T) {
		s, started, token := approved(t)
		is(t, undo(s, approval.UndoToken{}), approval.ErrInvalidSession)
		is(t, undo(s, approval.ParseUndoToken("made-up")), approval.ErrInvalidSession)
		is(t, undo(s, approval.ParseUndoToken(uid.New(s.Clock.Now()).String()+".x")), approval.ErrInvalidSession)
		is(t, undo(s, approval.ParseUndoToken(token.Reveal()+"x")), approval.ErrInvalidSession)
		s.redeem(started.Code)
	})
	t.Run("and no denial", func(t *testing.T) {
		s := newFixture(t, applicationtest.Options{})
		started := s.start(laptop)
		decided, err := s.Deny.Execute(t.Context(), s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode), started.UserCode, applicationtest.From(home))
		must(t, err)
		is(t, undo(s, decided.Undo), device.ErrNotPending)
	})
	t.Run("for five minutes, however late after signing in it was given", func(t *testing.T) {
		s := newFixture(t, applicationtest.Options{})
		started := s.start(laptop)
		h := s.signIn(started.UserCode, "ann@acme.example")
		s.Clock.Advance(grantTime - time.Second)
		undoToken := approve(s, h, started)
		s.Clock.Advance(grantTime - time.Second)
		must(t, undo(s, undoToken))
	})
	t.Run("and no longer", func(t *testing.T) {
		s, started, undoToken := approved(t)
		s.Clock.Advance(grantTime)
		is(t, undo(s, undoToken), approval.ErrInvalidSession)
		s.redeem(started.Code)
	})
}

// A device may fetch its token while its owner looks at the list on which it waits.
func TestEndingADeviceThatWaitedEndsTheTokenThatItHasSince(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	h := s.manage("ann@acme.example")
	out := s.ownSessions(h)
	if len(out.Waiting) != 1 {
		t.Fatalf("got %+v, want one that waits", out.Waiting)
	}
	redeemed := s.redeem(started.Code)
	owner := application.OwnerAt(approval.Proof{Session: h, CSRF: out.SignIn.CSRF})
	ended, err := s.EndSessions.Execute(t.Context(), owner, out.Waiting[0].ID, applicationtest.From(home))
	if err != nil || ended != 1 {
		t.Errorf("got %d ended, %v, want 1", ended, err)
	}
	is(t, s.verify(redeemed.Secret), token.ErrInvalid)
}

func TestAnApprovalThatIsOverIsNotCountedAsEnded(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.login(laptop)
	s.Clock.Advance(lifetime)
	h := s.manage("ann@acme.example")
	owner := application.OwnerAt(approval.Proof{Session: h, CSRF: s.ownSessions(h).SignIn.CSRF})
	if ended, err := s.EndSessions.Execute(t.Context(), owner, uid.ID{}, applicationtest.From(home)); err != nil || ended != 0 {
		t.Errorf("got %d ended, %v, want none", ended, err)
	}
}

// A bearer token is the device's. It turns no other device away that its person
// approved.
func TestABearerTurnsNoWaitingDeviceAway(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	bearer := s.redeem(s.login("first").Code)
	waiting := s.login("second")
	list := s.ownSessions(s.manage("ann@acme.example")).Waiting
	if len(list) != 1 {
		t.Fatalf("got %+v, want one that waits", list)
	}
	_, err := s.EndSessions.Execute(t.Context(), application.OwnerOf(bearer.Token), list[0].ID, applicationtest.From(home))
	is(t, err, fault.ErrNotFound)
	s.redeem(waiting.Code)
}
