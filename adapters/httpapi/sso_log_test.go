package httpapi_test

import (
	"strings"
	"testing"
)

// A failed sign-in is logged once, with the connection and a reason.
func TestFailedSignInsAreLoggedWithTheirReason(t *testing.T) {
	s := newFixture(t, options{})
	s.send(ask{line: "POST /openapi/v1/oauth/device/code", body: `{"client_id":"difyctl"}`})
	s.send(ask{line: "GET /openapi/v1/oauth/device/sso-initiate?user_code={user_code}&connection=dify"})
	logged := func(what string, of ask, want ...string) {
		t.Helper()
		s.log.Reset()
		s.send(of)
		for _, part := range want {
			if strings.Count(s.log.String(), part) != 1 {
				t.Errorf("%s: got the log %s, want %s in it, once", what, s.log.String(), part)
			}
		}
	}
	logged("a denial by an outside broker", ask{line: "GET /openapi/v1/oauth/device/sso-complete?sso_error=cancelled"},
		`"connection":"dify"`, `"reason":"denied_by_broker"`)
	s.send(ask{line: "GET /openapi/v1/oauth/device/sso-initiate?user_code={user_code}&connection=acme"})
	// F16: of an identity provider that uses another binding
	logged("an artifact by POST", ask{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLart=AAQAA&RelayState={RelayState 2}"},
		`"connection":"acme"`, `"reason":"response_missing"`, "received SAMLart")
	logged("an artifact by GET", ask{line: "GET /v1/device/sso-complete?SAMLart=AAQAA&RelayState={RelayState 2}"},
		`"connection":"acme"`, `"reason":"response_missing"`, "received SAMLart")
	logged("a response by GET", ask{line: "GET /openapi/v1/oauth/device/sso-complete?SAMLResponse=fZA&RelayState={RelayState 2}"},
		`"connection":"acme"`, `"reason":"response_missing"`, "received SAMLResponse by GET")
	logged("no response", ask{line: "POST /openapi/v1/oauth/device/sso-complete", body: "RelayState={RelayState 2}"},
		`"connection":"acme"`, `"reason":"response_missing"`, "received none")
	s.send(ask{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=ok+a1+ann@acme.example&RelayState={RelayState 2}"})
	logged("another browser", ask{browser: "eve", line: "GET /openapi/v1/oauth/device/sso-complete?ticket={ticket}"},
		`"connection":"acme"`, `"reason":"browser_mismatch"`)
	logged("a response of no sign-in", ask{line: "POST /openapi/v1/oauth/device/sso-complete", body: "SAMLResponse=ok+a2+ann@acme.example"},
		`"unverified_connection":"acme"`, `"reason":"relay_state_missing"`)
}
