package httpapi_test

import (
	"net/http"
	"testing"
)

// TestForwardAuthAnswersEveryMethodAlike: proxies may ask with the method of the
// request, known to HTTP or not, and a preflight is a request like any other.
func TestForwardAuthAnswersEveryMethodAlike(t *testing.T) {
	s := newFixture(t, options{})
	s.token()
	bearer := http.Header{"Authorization": {"Bearer {token}"}}
	preflight := http.Header{"Origin": {"https://sso.example.com"}, "Access-Control-Request-Method": {"PUT"}}
	forged := http.Header{"Authorization": {"Bearer junk"}}
	for _, method := range []string{
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY",
		"PROPFIND", "VERSION-CONTROL", "M-SEARCH", "BREW", "get", "X!",
	} {
		for _, c := range []struct {
			address string
			header  http.Header
			want    int
		}{
			{"/oauth2/forward-auth", nil, http.StatusUnauthorized},
			{"/oauth2/forward-auth", preflight, http.StatusUnauthorized},
			{"/oauth2/forward-auth", forged, http.StatusUnauthorized},
			{"/oauth2/forward-auth", bearer, http.StatusOK},
			{"/oauth2/forward-auth?scope=full", bearer, http.StatusForbidden},
			{"/oauth2/forward-auth?scope=full", nil, http.StatusUnauthorized},
			{"/oauth2/forward-auth?scopes=apps:run", bearer, http.StatusBadRequest},
			{"/oauth2/forward-auth/scope/apps:run/items", nil, http.StatusUnauthorized},
			{"/oauth2/forward-auth/scope/apps:run/items", preflight, http.StatusUnauthorized},
			{"/oauth2/forward-auth/scope/apps:run/items", forged, http.StatusUnauthorized},
			{"/oauth2/forward-auth/scope/apps:run/items", bearer, http.StatusOK},
			{"/oauth2/forward-auth/scope/full/items", bearer, http.StatusForbidden},
			{"/oauth2/forward-auth/elsewhere", bearer, http.StatusNotFound},
		} {
			w := s.send(ask{line: method + " " + c.address, header: c.header})
			asGet := s.send(ask{line: "GET " + c.address, header: c.header})
			if w.Code != c.want || s.tell(w) != s.tell(asGet) {
				t.Errorf("%s %s %v: got\n%s\nwant %d, as for GET:\n%s", method, c.address, c.header, s.tell(w), c.want, s.tell(asGet))
			}
			if w.Code == http.StatusOK && w.Body.Len() > 0 {
				t.Errorf("%s %s: got a body of %q, want none", method, c.address, w.Body)
			}
		}
	}
}

// token lets a device log in; {token} names its token.
func (s *fixture) token() {
	s.t.Helper()
	const api = "/openapi/v1/oauth/device/"
	for _, step := range []ask{
		{line: "POST " + api + "code", body: `{"client_id":"difyctl"}`},
		{line: "GET " + api + "sso-initiate?user_code={user_code}&connection=acme"},
		{line: "POST " + api + "sso-complete", body: "SAMLResponse=ok+a1+ann@acme.example&RelayState={RelayState}"},
		{line: "GET " + api + "sso-complete?ticket={ticket}"},
		{line: "GET " + api + "approval-context"},
		{line: "POST " + api + "approve-external", body: `{"user_code":"{user_code}"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}},
		{line: "POST " + api + "token", body: `{"device_code":"{device_code}"}`},
	} {
		if w := s.send(step); w.Code >= 400 {
			s.t.Fatalf("%s: got %d %s, want it accepted", step.line, w.Code, w.Body)
		}
	}
}
