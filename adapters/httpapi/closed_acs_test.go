package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAResponseAtTheClosedACSTellsWhichConnectionSendsIt(t *testing.T) { // F26
	s := newFixture(t, options{legacyOff: true})
	s.send(ask{line: "POST /openapi/v1/oauth/device/code", body: `{"client_id":"difyctl"}`})
	s.send(ask{line: "GET /openapi/v1/oauth/device/sso-initiate?user_code={user_code}&connection=beta"})
	w := s.send(ask{line: "POST /v1/device/sso-complete", body: "SAMLResponse=ok+a1+ben@beta.example&RelayState={RelayState}"})
	if w.Code != http.StatusGone || w.Header().Get("Link") == "" {
		t.Errorf("got %d, Link %q, want 410 with the successor", w.Code, w.Header().Get("Link"))
	}
	for _, want := range []string{`"connection":"beta"`, `"reason":"acs_closed"`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("got the log %s, want %s", s.log.String(), want)
		}
	}
	if got := s.History(t); !strings.HasSuffix(got, "sso.login_failed(acs_closed)") {
		t.Errorf("got the audit %s, want sso.login_failed(acs_closed) at its end", got)
	}
	for name, c := range map[string]struct {
		body   string
		events int
	}{
		"an unknown RelayState": {"SAMLResponse=ok+a1+ann@acme.example&RelayState=x", 1}, "no RelayState": {"SAMLResponse=ok+a1+ann@acme.example", 1}, "nothing": {"", 0},
	} {
		before := strings.Count(s.History(t), "sso.login_failed(acs_closed)")
		s.log.Reset()
		if w := s.send(ask{line: "POST /v1/device/sso-complete", body: c.body}); w.Code != http.StatusGone {
			t.Errorf("%s: got %d, want 410", name, w.Code)
		}
		if got := strings.Count(s.History(t), "sso.login_failed(acs_closed)") - before; got != c.events {
			t.Errorf("%s: got %d events, want %d", name, got, c.events)
		}
		if got := strings.Count(s.log.String(), `"unverified_connection":"acme"`); got != c.events {
			t.Errorf("%s: got the log %s, want the connection that the response claims, unverified", name, s.log.String())
		}
	}
	// The sign-in goes on at the canonical ACS.
	if w := s.send(ask{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=ok+a1+ben@beta.example&RelayState={RelayState}"}); w.Code != http.StatusSeeOther {
		t.Errorf("got %d, want 303", w.Code)
	}
}
