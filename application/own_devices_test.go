package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// visit signs somebody in who wants to see their devices.
func (s *stage) visit(email string) (approval.GrantSession, device.UserCode) {
	s.t.Helper()
	code, _, err := s.BeginVisit.Execute(s.t.Context(), applicationtest.From(home))
	must(s.t, err)
	return s.signIn(code, email), code
}

func (s *stage) own(h approval.GrantSession) application.OwnDevices {
	s.t.Helper()
	out, err := s.OwnDevices.Execute(s.t.Context(), h)
	must(s.t, err)
	return out
}

func (s *stage) verify(secret token.Secret) error {
	_, err := s.Verify.Execute(s.t.Context(), secret, applicationtest.From(home))
	return err
}

func TestAVisitLetsNoDeviceIn(t *testing.T) {
	bothWays(t, applicationtest.Options{}, func(t *testing.T, s *stage, decide func(approval.Proof, device.UserCode) (application.Decided, error)) {
		h, code := s.visit("ann@acme.example")
		_, err := decide(s.proof(h, code), code)
		is(t, err, device.ErrNotPending)
		s.own(h)
	})
}

func TestVisitsAreLimited(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	for range quota.StartAccountSignIn.Max {
		_, _, err := s.BeginVisit.Execute(t.Context(), applicationtest.From(home))
		must(t, err)
	}
	_, allowance, err := s.BeginVisit.Execute(t.Context(), applicationtest.From(home))
	is(t, err, quota.ErrExceeded)
	if !allowance.Exceeded {
		t.Error("nobody is told when to come back")
	}
}

func TestAPersonSeesAndEndsTheirOwnDevicesOnly(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	first := s.redeem(s.login("first").Code)
	s.Clock.Pass(interval)
	second := s.redeem(s.login("second").Code)
	other := s.start("other")
	s.approve(other.UserCode, "bob@acme.example")
	bobs := s.redeem(other.Code)

	h, _ := s.visit("ann@acme.example")
	out := s.own(h)
	if out.Total != 2 || out.Devices[0].Label != "second" || out.Devices[1].Label != "first" {
		t.Fatalf("Ann sees %+v", out.Devices)
	}
	if d := out.Devices[0]; d.ClientName != "Dify CLI" || d.From.String() != home || !d.LastUsedAt.IsZero() {
		t.Errorf("a device looks like %+v", d)
	}
	proof := approval.Proof{Session: h, CSRF: out.CSRF}
	end := func(p approval.Proof, id uid.ID) (int, error) {
		return s.EndDevices.Execute(t.Context(), p, id, applicationtest.From(home))
	}

	_, err := end(approval.Proof{Session: h, CSRF: approval.ParseCSRF("wrong")}, uid.ID{})
	is(t, err, approval.ErrCSRF)
	_, err = end(approval.Proof{Session: approval.ParseGrantSession("made-up"), CSRF: out.CSRF}, uid.ID{})
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
		t.Errorf("%d ended, then %d", ended, again)
	}
	is(t, s.verify(first.Secret), token.ErrInvalid)
	is(t, s.verify(second.Secret), nil)

	_, err = end(proof, uid.ID{})
	must(t, err)
	is(t, s.verify(second.Secret), token.ErrInvalid)
	is(t, s.verify(bobs.Secret), nil)

	s.Clock.Pass(grantTime)
	_, err = s.OwnDevices.Execute(t.Context(), h)
	is(t, err, approval.ErrNoSession)
	_, err = end(proof, uid.ID{})
	is(t, err, approval.ErrInvalidSession)
}

func TestAnApprovalCanBeTakenBack(t *testing.T) {
	undo := func(s *stage, p approval.Proof, code device.UserCode) error {
		return s.Undo.Execute(s.t.Context(), p, code, applicationtest.From(home))
	}
	approved := func(t *testing.T) (*stage, application.Started, approval.Proof) {
		s := newStage(t, applicationtest.Options{})
		started := s.start(laptop)
		proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
		_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
		must(t, err)
		return s, started, proof
	}

	t.Run("before the device has its token, which it then never gets", func(t *testing.T) {
		s, started, proof := approved(t)
		must(t, undo(s, proof, started.UserCode))
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrAccessDenied)
	})
	t.Run("afterwards, and the token is dead at once", func(t *testing.T) {
		s, started, proof := approved(t)
		redeemed := s.redeem(started.Code)
		is(t, s.verify(redeemed.Secret), nil)
		must(t, undo(s, proof, started.UserCode))
		is(t, s.verify(redeemed.Secret), token.ErrInvalid)
		s.Clock.Pass(interval)
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrExpiredToken)
	})
	t.Run("and a token whose answer was lost does not come back either", func(t *testing.T) {
		s, started, proof := approved(t)
		lost := s.redeem(started.Code)
		must(t, s.Withdraw.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
		must(t, undo(s, proof, started.UserCode))
		s.Clock.Pass(interval)
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrExpiredToken)
	})
	t.Run("by whoever approved it, and from their own page", func(t *testing.T) {
		s, started, proof := approved(t)
		others := s.start("other")
		bob := s.proof(s.signIn(others.UserCode, "bob@acme.example"), others.UserCode)
		is(t, undo(s, bob, started.UserCode), approval.ErrInvalidSession) // has decided nothing
		is(t, undo(s, approval.Proof{Session: proof.Session, CSRF: bob.CSRF}, started.UserCode), approval.ErrCSRF)
		is(t, undo(s, proof, others.UserCode), approval.ErrUserCodeMismatch)
		is(t, undo(s, proof, device.NewUserCode()), approval.ErrUserCodeMismatch)
		s.redeem(started.Code)
		_, err := s.Approve.Execute(t.Context(), bob, others.UserCode, applicationtest.From(home))
		must(t, err)
		is(t, undo(s, bob, started.UserCode), approval.ErrUserCodeMismatch)
	})
	t.Run("and no other approval of the same person", func(t *testing.T) {
		s, earlier, _ := approved(t)
		redeemed := s.redeem(earlier.Code)
		later := s.start("later")
		proof := s.proof(s.signIn(later.UserCode, "ann@acme.example"), later.UserCode)
		_, err := s.Approve.Execute(t.Context(), proof, later.UserCode, applicationtest.From(home))
		must(t, err)
		is(t, undo(s, proof, earlier.UserCode), approval.ErrUserCodeMismatch)
		is(t, s.verify(redeemed.Secret), nil)
	})
	t.Run("for five minutes, however late after signing in it was given", func(t *testing.T) {
		s := newStage(t, applicationtest.Options{})
		started := s.start(laptop)
		proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
		s.Clock.Pass(grantTime - time.Second)
		_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, applicationtest.From(home))
		must(t, err)
		s.Clock.Pass(grantTime - time.Second)
		must(t, undo(s, proof, started.UserCode))
	})
	t.Run("and no longer", func(t *testing.T) {
		s, started, proof := approved(t)
		s.Clock.Pass(grantTime)
		is(t, undo(s, proof, started.UserCode), approval.ErrInvalidSession)
		s.redeem(started.Code)
	})
}
