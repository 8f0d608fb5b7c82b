package application_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// throttles are the states of the poll throttle: without one every answer is
// still right, but costs more queries.
var throttles = map[string]ports.PollThrottle{"memory": nil, "unreachable": unreachable{}}

func everyThrottle(t *testing.T, test func(t *testing.T, s *fixture)) {
	for name, throttle := range throttles {
		t.Run("with the throttle "+name, func(t *testing.T) { test(t, newFixture(t, applicationtest.Options{Throttle: throttle})) })
	}
}

func TestAClientThatKeepsTheIntervalIsNeverToldToSlowDown(t *testing.T) { // D01, D05
	everyThrottle(t, func(t *testing.T, s *fixture) {
		started := s.start(laptop)
		for range 5 {
			_, err := s.poll(started.Code, home)
			is(t, err, device.ErrAuthorizationPending)
			s.Clock.Advance(interval)
		}
		s.approve(started.UserCode, "ann@acme.example")
		is(t, s.verifyRedeemed(s.redeem(started.Code)), nil)
	})
}

func TestAnEarlyPollDoesNotExtendTheInterval(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.start(laptop)
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrAuthorizationPending)
	for range 4 {
		s.Clock.Advance(time.Second)
		_, err := s.poll(started.Code, home)
		is(t, err, device.ErrSlowDown)
	}
	s.Clock.Advance(gap - 4*time.Second)
	_, err = s.poll(started.Code, home)
	is(t, err, device.ErrAuthorizationPending)
}

func TestAPollThatIsRefusedForAReasonOfItsOwnIsNotTheLastAcceptedOne(t *testing.T) {
	everyThrottle(t, func(t *testing.T, s *fixture) {
		started := s.start(laptop)
		_, err := s.Poll.Execute(t.Context(), started.Code, "another client", applicationtest.From(home))
		is(t, err, device.ErrForeignClient)
		_, err = s.poll(started.Code, home)
		is(t, err, device.ErrAuthorizationPending)
	})
}

func TestOneOfFiftyPollsAtOnceGetsTheToken(t *testing.T) { // D07
	everyThrottle(t, func(t *testing.T, s *fixture) {
		started := s.login(laptop)
		replicas := []*application.PollDevice{
			s.Poll,
			application.NewPollDevice(s.Store, memory.NewPollThrottle(s.Clock.Now), s.Clients, s.Watch, s.HoldChecks, device.StandardTiming, applicationtest.TokenLife, application.NewNotices(false), s.Clock.Now),
		}
		const polls = 50
		var wg sync.WaitGroup
		errs := make([]error, polls)
		for i := range polls {
			wg.Go(func() {
				_, errs[i] = replicas[i%2].Execute(t.Context(), started.Code, "difyctl", applicationtest.From(home))
			})
		}
		wg.Wait()
		got := 0
		for _, err := range errs {
			if err == nil {
				got++
			} else {
				is(t, err, device.ErrSlowDown)
			}
		}
		if got != 1 || s.live() != 1 {
			t.Errorf("got %d tokens issued and %d alive, want 1 and 1", got, s.live())
		}
	})
}

func TestARedemptionIsRepeatedOnceAndForItsClientOnly(t *testing.T) { // D10
	for name, c := range map[string]struct {
		before func(s *fixture, first application.Redeemed)
		after  time.Duration
		from   string
		want   error
	}{
		"a gap later, the client gets another secret":       {after: gap, from: home},
		"just before the window closes":                     {after: 30*time.Second - time.Microsecond, from: home},
		"sooner, it is told to wait":                        {after: gap - time.Microsecond, from: home, want: device.ErrSlowDown},
		"after the window, nothing":                         {after: 30 * time.Second, from: home, want: device.ErrExpiredToken},
		"from elsewhere, nothing":                           {after: interval, from: office, want: device.ErrExpiredToken},
		"after the token was used, nothing":                 {func(s *fixture, r application.Redeemed) { must(s.t, s.verifyRedeemed(r)) }, interval, home, device.ErrExpiredToken},
		"after the token was revoked, nothing":              {revoke, interval, home, device.ErrExpiredToken},
		"after the device has signed in again, nothing":     {func(s *fixture, _ application.Redeemed) { s.redeem(s.login(laptop).Code) }, interval, home, device.ErrExpiredToken},
		"another device of the same person changes nothing": {func(s *fixture, _ application.Redeemed) { s.redeem(s.login("desk").Code) }, interval, home, nil},
	} {
		t.Run(name, func(t *testing.T) {
			everyThrottle(t, func(t *testing.T, s *fixture) {
				started := s.login(laptop)
				first := s.redeem(started.Code)
				if c.before != nil {
					c.before(s, first)
				}
				alive := s.live()
				s.Clock.Advance(c.after)
				second, err := s.poll(started.Code, c.from)
				is(t, err, c.want)
				if s.live() != alive {
					t.Errorf("got %d tokens alive, want %d as before", s.live(), alive)
				}
				if c.want != nil {
					return
				}
				if second.Token.Snapshot().ID != first.Token.Snapshot().ID {
					t.Errorf("got the token %v, want %v again", second.Token.Snapshot().ID, first.Token.Snapshot().ID)
				}
				is(t, s.verifyRedeemed(first), token.ErrInvalid)
				is(t, s.verifyRedeemed(second), nil)
				for range 5 {
					s.Clock.Advance(interval)
					_, err := s.poll(started.Code, home)
					is(t, err, device.ErrExpiredToken)
				}
			})
		})
	}
}

func revoke(s *fixture, r application.Redeemed) {
	_, err := s.EndSessions.Execute(s.t.Context(), application.OwnerOf(r.Token), r.Token.Snapshot().ID, applicationtest.From(home))
	must(s.t, err)
}

func TestAnUndeliveredTokenIsRevokedAndRepeatedOnce(t *testing.T) {
	everyThrottle(t, func(t *testing.T, s *fixture) {
		started := s.login(laptop)
		lost := s.redeem(started.Code)
		must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
		is(t, s.verifyRedeemed(lost), token.ErrInvalid)
		if s.live() != 0 {
			t.Errorf("got %d tokens alive, want 0", s.live())
		}
		s.Clock.Advance(interval)
		again := s.redeem(started.Code)
		is(t, s.verifyRedeemed(again), nil)
		is(t, s.verifyRedeemed(lost), token.ErrInvalid)
		if s.live() != 1 || again.Token.Snapshot().ID != lost.Token.Snapshot().ID {
			t.Errorf("got the token %v and %d alive, want %v alone", again.Token.Snapshot().ID, s.live(), lost.Token.Snapshot().ID)
		}
		s.history("oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved oauth.token_minted" +
			" oauth.token_revoked(not_delivered) oauth.token_rotated oauth.token_first_used")
	})
}

func TestATokenUndeliveredTwiceIsNotRepeated(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	for range 2 {
		lost := s.redeem(started.Code)
		must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
		s.Clock.Advance(interval)
	}
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrExpiredToken)
	if s.live() != 0 {
		t.Errorf("got %d tokens alive, want 0", s.live())
	}
}

func TestAnUndeliveredTokenIsNotRepeatedOnceTheDeviceHasANewerOne(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	lost := s.redeem(started.Code)
	must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
	meanwhile := s.redeem(s.login(laptop).Code)
	s.Clock.Advance(interval)
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrExpiredToken)
	is(t, s.verifyRedeemed(meanwhile), nil)
	if s.live() != 1 {
		t.Errorf("got %d tokens alive, want 1", s.live())
	}
}

func TestALateRevokeUndeliveredKeepsTheRepeatedToken(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	lost := s.redeem(started.Code)
	s.Clock.Advance(interval)
	again := s.redeem(started.Code)
	must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
	is(t, s.verifyRedeemed(again), nil)
}

func TestRevokeUndeliveredKeepsAUsedToken(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	must(t, s.verifyRedeemed(r))
	if err := s.RevokeUndelivered.Execute(t.Context(), r.Authorization, r.Secret, applicationtest.From(home)); err == nil {
		t.Error("RevokeUndelivered(a used token): got no error, want one")
	}
	is(t, s.verifyRedeemed(r), nil)
}

func TestANewLoginReplacesTheTokenOfTheSameDeviceAlone(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	desk := s.redeem(s.login("desk").Code)
	before := s.redeem(s.login(laptop).Code)
	after := s.redeem(s.login(laptop).Code)
	is(t, s.verifyRedeemed(before), token.ErrInvalid)
	is(t, s.verifyRedeemed(after), nil)
	is(t, s.verifyRedeemed(desk), nil)
	if s.live() != 2 {
		t.Errorf("got %d tokens alive, want 2", s.live())
	}
	const flow = "oauth.device_flow_started sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved "
	s.history(flow + "oauth.token_minted " + flow + "oauth.token_minted " + flow + "oauth.token_revoked(replaced) oauth.token_minted" +
		" oauth.token_first_used oauth.token_first_used")
}

func TestAnExpiredTokenOfTheDeviceDoesNotStandInTheWay(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	before := s.redeem(s.login(laptop).Code)
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	after := s.redeem(s.login(laptop).Code)
	is(t, s.verifyRedeemed(before), token.ErrInvalid)
	is(t, s.verifyRedeemed(after), nil)
	if s.live() != 1 {
		t.Errorf("got %d tokens alive, want 1", s.live())
	}
}

func TestPollErrorsForDeniedForeignExpiredAndUnknownCodes(t *testing.T) { // D13, D26
	everyThrottle(t, func(t *testing.T, s *fixture) {
		denied, pending := s.start(laptop), s.start(laptop)
		_, err := s.Deny.Execute(t.Context(), s.proof(s.signIn(denied.UserCode, "ann@acme.example"), denied.UserCode), denied.UserCode, applicationtest.From(home))
		must(t, err)
		for range 2 {
			_, err := s.poll(denied.Code, home)
			is(t, err, device.ErrAccessDenied)
			_, err = s.Poll.Execute(t.Context(), pending.Code, "tv", applicationtest.From(home))
			is(t, err, device.ErrForeignClient)
			_, err = s.poll(device.ParseCode("dc_made_up"), home)
			is(t, err, device.ErrExpiredToken)
		}
		_, err = s.Poll.Execute(t.Context(), pending.Code, "", applicationtest.From(home))
		is(t, err, device.ErrAuthorizationPending)
		s.Clock.Advance(lifetime)
		for _, code := range []device.Code{denied.Code, pending.Code} {
			_, err := s.poll(code, home)
			is(t, err, device.ErrExpiredToken)
		}
	})
}

func TestUnknownDeviceCodesStoreNothing(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	before := s.History(t)
	for range 100 {
		_, err := s.poll(device.NewCode(), home)
		is(t, err, device.ErrExpiredToken)
	}
	if s.History(t) != before {
		t.Errorf("got the events %s, want %s as before", s.History(t), before)
	}
}

func TestAnApprovalOfTheLastMomentCanBeRedeemedForAMinute(t *testing.T) {
	for after, want := range map[time.Duration]error{59 * time.Second: nil, time.Minute: device.ErrExpiredToken} {
		s := newFixture(t, applicationtest.Options{})
		started := s.start(laptop)
		s.Clock.Advance(lifetime - time.Second)
		s.approve(started.UserCode, "ann@acme.example")
		s.Clock.Advance(after)
		_, err := s.poll(started.Code, home)
		is(t, err, want)
	}
}

// noInvalidation is a throttle whose cached hints are never invalidated.
type noInvalidation struct{ ports.PollThrottle }

func (noInvalidation) Invalidate(context.Context, secret.Digest) error { return errUnreachable }

func TestALoginWithoutItsWakeUpIsDelayedBySeconds(t *testing.T) {
	throttle := &noInvalidation{}
	s := newFixture(t, applicationtest.Options{Throttle: throttle})
	throttle.PollThrottle = memory.NewPollThrottle(s.Clock.Now)
	started := s.start(laptop)
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrAuthorizationPending)
	s.approve(started.UserCode, "ann@acme.example")
	for waited := interval; ; waited += interval {
		s.Clock.Advance(interval)
		_, err := s.poll(started.Code, home)
		if err == nil {
			return
		}
		is(t, err, device.ErrAuthorizationPending)
		if waited > 15*time.Second {
			t.Fatalf("got authorization_pending %v after the approval, want the token within 15s", waited)
		}
	}
}

func TestAPollFromAnotherAddressIsRecordedOnce(t *testing.T) { // F14
	everyThrottle(t, func(t *testing.T, s *fixture) {
		started := s.start(laptop)
		for _, from := range []string{home, office, "203.0.113.5", home} {
			_, err := s.poll(started.Code, from)
			if err != nil {
				is(t, err, device.ErrAuthorizationPending)
			}
			s.Clock.Advance(interval)
		}
		s.approve(started.UserCode, "ann@acme.example")
		out, err := s.poll(started.Code, office)
		must(t, err)
		is(t, s.verifyRedeemed(out), nil)
		s.history("oauth.device_flow_started oauth.device_code_cross_ip_poll security.phishing_suspected(polls_elsewhere) sso.login_started sso.assertion_accepted sso.login_completed oauth.device_flow_approved oauth.token_minted oauth.token_first_used")
	})
}
