package application_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
)

// A hold keeps tokens back that no device has. An answer that was lost is repeated.
func TestAHoldDoesNotKeepBackALostAnswer(t *testing.T) {
	s := newCampaign(t)
	var redeemed application.Started
	for n := range 2 {
		redeemed = s.begins("prod-01", agent(attacker, "x/1"))
		s.victim(n, redeemed)
		if !s.redeems(redeemed.Code, attacker) {
			t.Fatal("got no token before the hold, want one")
		}
	}
	waiting := s.begins("prod-01", agent(attacker, "x/1"))
	s.victim(2, waiting)
	s.incidents(1)
	if s.redeems(waiting.Code, attacker) {
		t.Error("got a token of the held source, want none yet")
	}
	if !s.redeems(redeemed.Code, attacker) {
		t.Error("got no repeated answer, want the token that the device had")
	}
}

// A poll from elsewhere can be what makes a source suspect, before the approval and
// with it.
func TestAPollFromElsewhereIsWeighedAtOnce(t *testing.T) {
	for name, approved := range map[string]bool{"while it waits": false, "with the token": true} {
		t.Run(name, func(t *testing.T) {
			s := newCampaign(t)
			for n := range 2 {
				s.victim(n, s.begins("prod-01", agent(attacker, "x/1")))
			}
			code := s.begins("prod-01", agent(attacker, "x/1"))
			s.opens(code.UserCode, "victim0@acme.example", "10.0.0.7")
			if approved {
				s.victim(0, code)
			}
			s.incidents(0)
			s.Clock.Advance(gap)
			_, err := s.poll(code.Code, "198.18.5.7")
			if approved {
				must(t, err)
			} else {
				is(t, err, device.ErrAuthorizationPending)
			}
			if n := s.signals(incident.PollsElsewhere); n != 1 {
				t.Errorf("got %d signals of polls, want 1", n)
			}
			s.incidents(1)
		})
	}
}

func TestAPollFromElsewhereStaysOnRecordWhereItIsRefused(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	started := s.login(laptop)
	s.redeem(started.Code)
	s.Clock.Advance(gap) // the answer is repeated, but to the address that has it
	_, err := s.poll(started.Code, office)
	is(t, err, device.ErrExpiredToken)
	if n := s.Count(t, audit.DeviceCodeCrossIP); n != 1 {
		t.Errorf("got %d polls from elsewhere on record, want 1: %s", n, s.History(t))
	}
}

// The address of an unknown proxy is not that of a network in which codes start.
func TestStartsBehindAnUnknownProxyAreNoBurst(t *testing.T) {
	limits := quota.Configure(6000, 60)
	limits.StartsOfNetwork = quota.Limit{Name: "starts", Max: 4, Per: time.Hour}
	s := campaign{newFixture(t, applicationtest.Options{Limits: &limits})}
	for range 6 {
		s.begins(laptop, hidden)
	}
	if n := s.signals(incident.ManyStarts); n != 0 {
		t.Errorf("got %d bursts, want none", n)
	}
}

func TestAStartGetsWhatPolicySaysOfItsClient(t *testing.T) {
	s := under(t, policy.Settings{Preset: policy.Parity, Rules: []policy.Rule{
		{Name: "rule 1", When: policy.Conditions{Clients: []string{"tv"}}, Set: policy.Changes{CodeTTL: time.Minute}},
	}})
	s.KnowClients(t, client.Settings{ID: "difyctl"}, client.Settings{ID: "tv"})
	for id, want := range map[string]time.Duration{"tv": time.Minute, "difyctl": lifetime} {
		started, err := s.Start.Execute(t.Context(), application.Start{ClientID: id, Origin: applicationtest.From(home)})
		must(t, err)
		if started.ExpiresIn != want {
			t.Errorf("%s: got a code for %s, want %s", id, started.ExpiresIn, want)
		}
	}
}

// The devices of an exempt network go on, also if they call themselves as those of a
// held source do.
func TestAHoldConcernsNoExemptNetwork(t *testing.T) {
	rules := incident.DefaultRules
	rules.Exempt = []netip.Prefix{netip.MustParsePrefix("198.18.77.0/24")}
	s := campaign{newFixture(t, applicationtest.Options{Rules: &rules})}
	for n, from := range []string{"203.0.113.66", "203.1.113.66", "203.2.113.66"} {
		s.victim(n, s.begins("prod-01", agent(from, "x/1")))
	}
	s.incidents(1)
	if !s.isSuspected("prod-01", agent("203.3.113.66", "x/1"), "ann@acme.example", "10.77.0.7") {
		t.Error("got a device of the source that is not suspected, want it suspected")
	}
	if s.isSuspected("prod-01", agent("198.18.77.7", "x/1"), "ann@acme.example", "10.77.0.7") {
		t.Error("got a device of an exempt network that is suspected, want it not")
	}
	exempt := s.begins("prod-01", agent("198.18.77.7", "x/1"))
	s.approves(exempt.UserCode, "ann@acme.example", "10.77.0.7")
	if !s.redeems(exempt.Code, "198.18.77.7") {
		t.Error("got no token in an exempt network, want one")
	}
}
