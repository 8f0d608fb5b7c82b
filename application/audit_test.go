package application_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

func TestAuditEventsOfALogin(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	id := r.Token.Snapshot().ID.String()
	device := applicationtest.Event{ClientID: "difyctl", DeviceLabel: laptop, IP: home, UserAgent: "test/1", RequestID: "request-1"}
	person := device
	person.SubjectType, person.SubjectEmail, person.SubjectIssuer = "external_sso", "ann@acme.example", "https://idp.example/acme"

	started, left, accepted, completed, approved, minted := device, device, person, person, person, person
	started.Scopes, approved.Scopes = "apps:run apps:read:permitted-external", "apps:run apps:read:permitted-external"
	started.Event = "oauth.device_flow_started"
	left.Event, left.Connection, left.Mount = "sso.login_started", "acme", "canonical"
	accepted.Event, accepted.Connection, accepted.Mount = "sso.assertion_accepted", "acme", "canonical"
	accepted.ClientID, accepted.DeviceLabel = "", ""
	completed.Event, completed.Connection, completed.Mount = "sso.login_completed", "acme", "canonical"
	approved.Event, approved.TokenID = "oauth.device_flow_approved", id
	minted.Event, minted.TokenID, minted.Scopes = "oauth.token_minted", id, "apps:run apps:read:permitted-external"
	want := []applicationtest.Event{started, left, accepted, completed, approved, minted}

	got := s.Events(t)
	if len(got) != len(want) {
		t.Fatalf("got %d events, want %d: %s", len(got), len(want), s.History(t))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// Contract 10.12, F31: every event has an actor, those of one login have the id of
// its authorization, and an approval has the planned end of the token.
func TestEventsNameTheirActorAndAuthorization(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	first := s.redeem(s.login(laptop).Code)
	s.Clock.Advance(interval)
	started := s.login(laptop)
	_, err := s.poll(started.Code, office) // from elsewhere
	must(t, err)
	second := s.AuditEvents(t)[6:]
	login := second[0].AuthorizationID
	if login.IsZero() || login == first.Authorization {
		t.Fatalf("got authorization %s, want another than %s", login, first.Authorization)
	}
	client, ann := audit.ClientOf("difyctl"), audit.Actor{Kind: audit.Person, Name: "ann@acme.example"}
	want := map[audit.Kind]audit.Actor{
		audit.DeviceFlowStarted: client, audit.LoginStarted: audit.Anonymous, audit.AssertionAccepted: ann, audit.LoginCompleted: ann,
		audit.DeviceFlowApproved: ann, audit.DeviceCodeCrossIP: client, audit.PhishingSuspected: client, audit.TokenRevoked: client, audit.TokenMinted: client,
	}
	for _, e := range second {
		if e.Actor != want[e.Kind] || e.AuthorizationID != login {
			t.Errorf("%s: got actor %+v of %s, want %+v of %s", e.Kind, e.Actor, e.AuthorizationID, want[e.Kind], login)
		}
		delete(want, e.Kind)
		switch e.Kind {
		case audit.DeviceFlowApproved:
			if planned := e.At.Add(time.Duration(applicationtest.TokenLife)); !e.TokenExpiresAt.Equal(planned) {
				t.Errorf("planned end: got %s, want %s", e.TokenExpiresAt, planned)
			}
		case audit.DeviceCodeCrossIP:
			if e.CreationIP.String() != home || e.Origin.IP.String() != office {
				t.Errorf("got a poll from %s of a code for %s, want %s and %s", e.Origin.IP, e.CreationIP, office, home)
			}
		case audit.TokenRevoked:
			if e.Reason != "replaced" || e.TokenID != first.Token.Snapshot().ID {
				t.Errorf("got %+v, want the first token replaced", e)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("got no event of %v, want one of each", want)
	}
}

func TestRevocationsByUndoAndContainmentNameTheirAuthorization(t *testing.T) {
	s, id, _, _ := attacked(t)
	_, err := s.ContainIncident.Execute(t.Context(), application.Containment{Incident: id}, audit.AdminOf("ops"), request.Origin{})
	must(t, err)
	mine := s.begins(laptop, applicationtest.From(home))
	decided := s.approves(mine.UserCode, "ann@acme.example", home)
	if !s.redeems(mine.Code, home) {
		t.Fatal("got no token, want one")
	}
	must(t, s.Undo.Execute(t.Context(), decided.Undo, applicationtest.From(home)))
	loginOf, revoked := map[uid.ID]uid.ID{}, 0
	for _, e := range s.AuditEvents(t) {
		switch e.Kind {
		case audit.TokenMinted:
			loginOf[e.TokenID] = e.AuthorizationID
		case audit.TokenRevoked:
			revoked++
			if e.AuthorizationID.IsZero() || e.AuthorizationID != loginOf[e.TokenID] {
				t.Errorf("%s: got authorization %s, want %s", e.Reason, e.AuthorizationID, loginOf[e.TokenID])
			}
		}
	}
	if revoked != 3 {
		t.Errorf("got %d revocations, want two by containment and one undone", revoked)
	}
}

// F31: what happens to the token later carries the login's id, too.
func TestEventsOfATokenNameItsAuthorization(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	revoked, expired := s.redeem(s.login(laptop).Code), s.redeem(s.login("desktop").Code)
	must(t, s.verifyRedeemed(revoked))
	_, err := s.EndSessions.Execute(t.Context(), application.OwnerOf(revoked.Token), revoked.Token.Snapshot().ID, applicationtest.From(home))
	must(t, err)
	s.Clock.Advance(time.Duration(applicationtest.TokenLife))
	is(t, s.verifyRedeemed(expired), token.ErrInvalid)
	want := map[audit.Kind]application.Redeemed{audit.TokenFirstUsed: revoked, audit.TokenRevoked: revoked, audit.TokenExpired: expired}
	for _, e := range s.AuditEvents(t) {
		if of, later := want[e.Kind]; later {
			if e.AuthorizationID != of.Authorization {
				t.Errorf("%s: got authorization %s, want %s", e.Kind, e.AuthorizationID, of.Authorization)
			}
			delete(want, e.Kind)
		}
	}
	if len(want) > 0 {
		t.Errorf("got no event of %v", want)
	}
}

func TestRefusedResponsesAddNoAuditRowsWithoutBound(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.begin(s.start(laptop).UserCode, approval.BrowserBinding{})
	for range 100 {
		if _, err := s.accept("garbage"); err == nil {
			t.Fatal("got garbage accepted, want an error")
		}
		if _, err := s.ByAssertion.Execute(t.Context(), "garbage", application.Completion{Mount: connection.Legacy, Origin: applicationtest.From(office)}); err == nil {
			t.Fatal("got garbage accepted, want an error")
		}
	}
	kept := map[string]int{}
	for _, e := range s.Events(t) {
		if e.Event == "sso.login_failed" {
			kept[e.Connection+" "+e.Mount+" "+e.Reason]++
		}
	}
	if len(kept) != 2 || kept["acme canonical bad_signature"] != quota.FailedSignIns.Max || kept["dify legacy bad_signature"] != quota.FailedSignIns.Max {
		t.Errorf("got %v, want the refusals of both connections up to the limit", kept)
	}
}
