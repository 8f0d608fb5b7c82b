package application_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

func (s *fixture) tokens(wanted token.Filter, ended bool) (labels []string) {
	s.t.Helper()
	page, err := application.NewPage(1, 10)
	must(s.t, err)
	out, err := s.ListTokens.Execute(s.t.Context(), wanted, ended, page)
	must(s.t, err)
	for _, t := range out.Tokens {
		labels = append(labels, t.Device.Label)
	}
	return labels
}

func (s *fixture) revoke(wanted application.Revocation) application.Revoked {
	s.t.Helper()
	out, err := s.RevokeTokens.Execute(s.t.Context(), wanted, ops, applicationtest.From(home))
	must(s.t, err)
	return out
}

func (s *fixture) adminEvents() (all []audit.Event) {
	s.t.Helper()
	for _, e := range s.AuditEvents(s.t) {
		if e.Actor.Kind == audit.Admin {
			all = append(all, e)
		}
	}
	return all
}

func TestAnAdministratorRevokesWhatAFilterMatches(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	one, two := s.redeem(s.login("one").Code), s.redeem(s.login("two").Code)
	ben := s.start("ben's")
	s.approve(ben.UserCode, "ben@acme.test")
	bens := s.redeem(ben.Code)
	wanted := application.Revocation{Filter: token.Filter{Email: one.Token.Snapshot().Device.Email, Connection: "acme"}}

	wanted.DryRun = true
	if got := s.revoke(wanted); got != (application.Revoked{Tokens: 2}) {
		t.Errorf("dry run: got %+v, want 2 tokens", got)
	}
	for _, r := range []application.Redeemed{one, two, bens} {
		must(t, s.verifyRedeemed(r))
	}
	if all := s.adminEvents(); len(all) != 0 {
		t.Errorf("dry run: got the events %+v, want none", all)
	}

	wanted.DryRun = false
	if got := s.revoke(wanted); got != (application.Revoked{Tokens: 2}) {
		t.Errorf("got %+v, want 2 tokens", got)
	}
	is(t, s.verifyRedeemed(one), token.ErrInvalid)
	is(t, s.verifyRedeemed(two), token.ErrInvalid)
	must(t, s.verifyRedeemed(bens))
	all := s.adminEvents()
	if len(all) != 1 || all[0].Kind != audit.TokensRevoked || all[0].Actor != ops || all[0].Connection != "acme" || all[0].Reason != "by_admin" ||
		all[0].Detail != `filter: subject_email="ann@acme.example" connection="acme"; tokens: 2` || all[0].Origin != applicationtest.From(home) {
		t.Errorf("got the events %+v, want one with the filter and the count", all)
	}
	if got := s.tokens(token.Filter{}, false); !slices.Equal(got, []string{"ben's"}) {
		t.Errorf("live: got %q, want ben's", got)
	}
	if got := s.tokens(token.Filter{}, true); len(got) != 3 {
		t.Errorf("all: got %q, want three", got)
	}
	if got := s.revoke(wanted); got != (application.Revoked{}) {
		t.Errorf("again: got %+v, want nothing", got)
	}
	if all := s.adminEvents(); len(all) != 2 {
		t.Errorf("again: got %d events, want a second one: each act is recorded", len(all))
	}
}

func TestRevokingEverythingNeedsTheWordAll(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	kept := s.redeem(s.login(laptop).Code)
	for _, dry := range []bool{true, false} {
		_, err := s.RevokeTokens.Execute(t.Context(), application.Revocation{DryRun: dry}, ops, request.Origin{})
		is(t, err, token.ErrEmptyFilter)
		_, err = s.RevokeTokens.Execute(t.Context(), application.Revocation{Filter: token.Filter{ClientID: "difyctl"}, All: true, DryRun: dry}, ops, request.Origin{})
		is(t, err, token.ErrFilterAndAll)
	}
	must(t, s.verifyRedeemed(kept))
	if got := s.revoke(application.Revocation{All: true}); got.Tokens != 1 {
		t.Errorf("got %+v, want the token", got)
	}
	is(t, s.verifyRedeemed(kept), token.ErrInvalid)
}

// A device that was approved before the revocation gets no token after it.
func TestRevokingTurnsDevicesAwayThatWereApproved(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	approved, pending := s.login("approved"), s.start("pending")
	lost := s.redeem(s.login("lost").Code)
	must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
	if _, err := s.poll(pending.Code, home); err == nil {
		t.Fatal("got no error for a pending code, want authorization_pending")
	}
	none := application.Revocation{Filter: token.Filter{IssuedBefore: s.Clock.Now()}}
	if got := s.revoke(none); got != (application.Revoked{}) {
		t.Errorf("tokens of the past: got %+v, want no device", got)
	}
	wanted := application.Revocation{Filter: token.Filter{Issuer: applicationtest.Issuer("acme")}, DryRun: true}
	if got := s.revoke(wanted); got != (application.Revoked{Devices: 2}) {
		t.Errorf("dry run: got %+v, want 2 devices", got)
	}
	wanted.DryRun = false
	if got := s.revoke(wanted); got != (application.Revoked{Devices: 2}) {
		t.Errorf("got %+v, want 2 devices", got)
	}
	s.Clock.Advance(6 * time.Second)
	_, err := s.poll(approved.Code, home)
	is(t, err, device.ErrAccessDenied)
	for _, a := range s.adminEvents()[1:] {
		if a.Kind != audit.DeviceFlowDenied && a.Kind != audit.TokensRevoked || a.Actor != ops {
			t.Errorf("got the event %+v, want one of the administrator", a)
		}
	}
	if n := s.live(); n != 0 {
		t.Errorf("got %d live tokens, want none", n)
	}
}

func TestAnUndeliveredTokenIsNotRepeatedAfterARevocation(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	lost := s.redeem(started.Code)
	must(t, s.RevokeUndelivered.Execute(t.Context(), lost.Authorization, lost.Secret, applicationtest.From(home)))
	s.revoke(application.Revocation{Filter: token.Filter{ClientID: "difyctl"}})
	s.Clock.Advance(6 * time.Second)
	_, err := s.poll(started.Code, home)
	is(t, err, device.ErrExpiredToken)
}

func TestAnAdministratorEndsOneToken(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	one, other := s.redeem(s.login("one").Code), s.redeem(s.login("other").Code)
	id := one.Token.Snapshot().ID
	shown, err := s.ShowToken.Execute(t.Context(), id)
	must(t, err)
	if !shown.Live || shown.Connection != "acme" || shown.FetchedFrom != netip.MustParseAddr(home) || shown.ID != id {
		t.Errorf("got %+v, want the live token of acme", shown)
	}
	for _, want := range []bool{true, false} {
		if changed, err := s.EndToken.Execute(t.Context(), id, ops, applicationtest.From(home)); err != nil || changed != want {
			t.Errorf("got %t and %v, want %t", changed, err, want)
		}
	}
	is(t, s.verifyRedeemed(one), token.ErrInvalid)
	must(t, s.verifyRedeemed(other))
	all := s.adminEvents()
	if len(all) != 1 || all[0].Kind != audit.TokenRevoked || all[0].TokenID != id || all[0].Reason != "by_admin" {
		t.Errorf("got the events %+v, want one about the token", all)
	}
	if shown, err = s.ShowToken.Execute(t.Context(), id); err != nil || shown.Live || shown.RevokedAt.IsZero() {
		t.Errorf("got %+v and %v, want a token that ended", shown, err)
	}
	for _, id := range []uid.ID{{}, uid.New(s.Clock.Now())} {
		_, err := s.EndToken.Execute(t.Context(), id, ops, request.Origin{})
		is(t, err, application.ErrNoSuchToken)
		_, err = s.ShowToken.Execute(t.Context(), id)
		is(t, err, application.ErrNoSuchToken)
	}
}

func TestATokenThatExpiredUnnoticedIsNotRevokedByAnAdministrator(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	old := s.redeem(s.login(laptop).Code)
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	if changed, err := s.EndToken.Execute(t.Context(), old.Token.Snapshot().ID, ops, request.Origin{}); err != nil || changed {
		t.Errorf("got %t and %v, want nothing changed", changed, err)
	}
	if n := s.Count(t, audit.TokenExpired); n != 1 {
		t.Errorf("got %d expiries, want one", n)
	}
}
