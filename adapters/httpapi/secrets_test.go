package httpapi_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/application/applicationtest"
)

// journey is a login with everything that can go wrong during it.
var journey = []ask{
	{line: "POST /openapi/v1/oauth/device/code", body: `{"client_id":"difyctl","device_label":"laptop"}`},
	{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`},
	{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`},
	{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}","client_id":"tv"}`},
	{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"`},
	{line: "POST /openapi/v1/oauth/device/token?device_code={device_code}"},
	{line: "GET /openapi/v1/oauth/device/lookup?user_code={user_code}"},
	{line: "GET /openapi/v1/oauth/device/sso-initiate?user_code={user_code}&connection=panics"},
	{line: "GET /openapi/v1/oauth/device/sso-initiate?user_code={user_code}&connection=acme"},
	{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=planted-assertion&RelayState={RelayState}"},
	{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=planted-assertion&RelayState={RelayState}x"},
	{line: "GET /openapi/v1/oauth/device/sso-complete?SAMLResponse=planted-assertion&RelayState={RelayState}"},
	{line: "GET /openapi/v1/oauth/device/sso-complete?sso_assertion=planted-assertion"},
	{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=ok+planted-id+ann@acme.example&RelayState={RelayState}"},
	{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=ok+planted-id+ann@acme.example&RelayState={RelayState}"},
	{line: "GET /openapi/v1/oauth/device/sso-complete?ticket={ticket}", browser: "eve"},
	{line: "GET /openapi/v1/oauth/device/sso-complete?ticket={ticket}", header: http.Header{"Accept": {"text/html"}}, browser: "eve"},
	{line: "GET /openapi/v1/oauth/device/sso-complete?ticket={ticket}"},
	{line: "GET /openapi/v1/oauth/device/sso-complete?ticket={ticket}"},
	{line: "GET /openapi/v1/oauth/device/approval-context"},
	{line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"AAAA-AAAA"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}},
	{line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}x"}}},
	{line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}},
	{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`},
	{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`},
	{line: "GET /openapi/v1/account", header: http.Header{"Authorization": {"Bearer {token}"}}},
	{line: "GET /openapi/v1/account?access_token={token}"},
	{line: "GET /openapi/v1/account/{token}"},
	{line: "DELETE /openapi/v1/account/sessions/{token}", header: http.Header{"Authorization": {"Bearer {token}"}}},
	{line: "POST /oauth2/introspect", body: "token={token}&client_id=api&client_secret=planted-secret"},
	{line: "POST /oauth2/introspect", body: "token={token}&client_id=api&client_secret=" + url.QueryEscape(applicationtest.APISecret)},
	{line: "POST /oauth2/introspect?token={token}&client_secret=planted-secret", body: "token=x"},
	{line: "PUT /oauth2/forward-auth/scope/admin/{token}/x?t={token}", header: http.Header{"Authorization": {"Bearer {token}"}}},
	{line: "GET /oauth2/forward-auth?access_token={token}", header: http.Header{"X-Forwarded-Uri": {"/x?access_token={token}"}}},
	{line: "GET /oauth2/forward-auth?scope=admin", header: http.Header{"Authorization": {"Bearer {token}"}, "X-Original-Uri": {"/{token}/x?t={token}"}}},
	{line: "GET /oauth2/forward-auth", header: http.Header{"Authorization": {"Bearer {token}"}, "X-Original-Uri": {"/{token}"}, "X-Forwarded-Method": {"{token}"}}},
	{line: "POST /oauth2/revoke", body: "token={token}&client_id=tv"},
	{line: "POST /oauth2/revoke?token={token}", body: "client_id=difyctl"},
	{line: "DELETE /openapi/v1/account/sessions/self", header: http.Header{"Authorization": {"Bearer {token}"}}},
	{line: "GET /openapi/v1/account", header: http.Header{"Authorization": {"Bearer {token}"}}},
	{line: "POST /oauth2/token", body: "grant_type=password&client_id=difyctl&device_code={device_code}"},
}

func TestNoSecretIsLoggedOrKept(t *testing.T) { // T04, T06
	s := newFixture(t, options{})
	for _, step := range journey {
		s.send(step)
		if strings.HasSuffix(step.line, "/token") {
			s.Clock.Advance(5 * time.Second)
		}
	}
	if err := s.DB.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, kept := s.log.String(), databasetest.Dump(t, s.DB)
	if !strings.Contains(log, "request refused") || !strings.Contains(kept, "ann@acme.example") {
		t.Fatalf("got a log of %d bytes and a dump of %d, want a refused request in one and ann's address in the other", len(log), len(kept))
	}
	secrets := map[string]string{"assertion": "planted-assertion", "guessed secret": "planted-secret", "secret of a resource server": applicationtest.APISecret}
	for name, value := range s.named {
		switch kind, _, _ := strings.Cut(name, " "); kind {
		case "device_code", "token", "ticket", "RelayState", "approval_grant", "sso_browser", "csrf_token":
			secrets[name] = value
		}
	}
	if len(secrets) < 8 {
		t.Fatalf("got %d secrets, want at least 8", len(secrets))
	}
	for name, value := range secrets {
		for how, written := range map[string]string{
			"as it is": value, "in base64": base64.StdEncoding.EncodeToString([]byte(value)), "in base64url": base64.RawURLEncoding.EncodeToString([]byte(value)),
			"in hex": hex.EncodeToString([]byte(value)), "in an address": url.QueryEscape(value), "without its prefix": value[min(5, len(value)):],
		} {
			if strings.Contains(log, written) {
				t.Errorf("got the %s %s in the log, want it left out", name, how)
			}
			if strings.Contains(kept, written) {
				t.Errorf("got the %s %s in the store, want it left out", name, how)
			}
		}
	}
}
