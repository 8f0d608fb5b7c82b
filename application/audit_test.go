package application_test

import (
	"testing"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/quota"
)

func TestWhatAuditorsFindOfALogin(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	r := s.redeem(s.login(laptop).Code)
	id := r.Token.Snapshot().ID.String()
	device := applicationtest.Event{ClientID: "difyctl", DeviceLabel: laptop, IP: home, UserAgent: "test/1", RequestID: "request-1"}
	person := device
	person.SubjectType, person.SubjectEmail, person.SubjectIssuer = "external_sso", "ann@acme.example", "https://idp.example/acme"

	started, left, accepted, completed, approved, minted := device, device, person, person, person, person
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
		t.Fatalf("%d events: %s", len(got), s.History(t))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

func TestWhoSendsGarbageFillsNoBooks(t *testing.T) {
	s := newStage(t, applicationtest.Options{})
	s.leave(s.start(laptop).UserCode, approval.BrowserBinding{})
	for range 100 {
		if _, err := s.arrive("garbage"); err == nil {
			t.Fatal("accepted")
		}
		if _, err := s.Complete.Execute(t.Context(), application.Completion{Assertion: "garbage", Mount: connection.Legacy, Origin: applicationtest.From(office)}); err == nil {
			t.Fatal("accepted")
		}
	}
	kept := map[string]int{}
	for _, e := range s.Events(t) {
		if e.Event == "sso.login_failed" {
			kept[e.Connection+" "+e.Mount+" "+e.Reason]++
		}
	}
	if len(kept) != 2 || kept["acme canonical bad_signature"] != quota.FailedSignIns.Max || kept["dify legacy bad_signature"] != quota.FailedSignIns.Max {
		t.Errorf("auditors find %v", kept)
	}
}
