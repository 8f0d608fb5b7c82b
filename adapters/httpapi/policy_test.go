package httpapi_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/policy"
)

// signedInFor starts a device at an address, and signs ann in for it in a browser
// at 192.0.2.7. The hint is the person whom the device names; empty: none. It returns
// what approval-context says.
func (s *fixture) signedInFor(mount, complete, device, hint string) (described string) {
	s.t.Helper()
	s.send(ask{line: "POST /openapi/v1/oauth/device/code", body: `{"client_id":"difyctl","device_label":"laptop","login_hint":"` + hint + `"}`, from: device})
	s.send(ask{line: "GET " + mount + "/oauth/device/sso-initiate?user_code={user_code}&connection=acme", browser: "a"})
	s.send(ask{line: "POST " + mount + complete, body: "SAMLResponse=ok+a" + device + "+ann@acme.example&RelayState={RelayState}", header: http.Header{"Accept": {"text/html"}}})
	s.send(ask{line: "GET " + mount + complete + "?ticket={ticket}", header: http.Header{"Accept": {"text/html"}}, browser: "a"})
	return s.send(ask{line: "GET " + mount + "/oauth/device/approval-context", browser: "a"}).Body.String()
}

func TestEveryEntryPointAppliesThePolicy(t *testing.T) {
	for mount, complete := range map[string]string{"/openapi/v1": "/oauth/device/sso-complete", "/v1": "/device/sso-complete"} {
		for name, test := range map[string]struct {
			rules  policy.Settings
			device string
			hint   string
			code   string // empty: approved
			shown  bool   // in approval-context
		}{
			"far":            {policy.Settings{Preset: policy.Strict}, "198.51.100.9", "", "network_not_allowed", true},
			"by link":        {policy.Settings{Preset: policy.Strict}, "192.0.2.7", "", "typed_code_required", false},
			"sign in":        {policy.Settings{Rules: []policy.Rule{{Name: "rule 1", Then: policy.Reauthenticate}}}, "192.0.2.7", "", "reauthentication_required", true},
			"refusing":       {policy.Settings{Rules: []policy.Rule{{Name: "rule 1", Then: policy.Refuse}}}, "192.0.2.7", "", "approval_refused", true},
			"another person": {policy.Settings{}, "192.0.2.7", "ben@acme.example", "subject_mismatch", true},
			"another domain": {policy.Settings{}, "192.0.2.7", "ann@beta.example", "subject_mismatch", true},
			"another case":   {policy.Settings{}, "192.0.2.7", "ANN@Acme.Example", "", false},
		} {
			t.Run(mount+" "+name, func(t *testing.T) {
				s := newFixture(t, options{Options: applicationtest.Options{Policy: policy.Must(test.rules)}})
				described := s.signedInFor(mount, complete, test.device, test.hint)
				if shown := test.code != "" && strings.Contains(described, `"refusal":"`+test.code+`"`); shown != test.shown {
					t.Errorf("got %s, want the refusal shown: %t", described, test.shown)
				}
				got := s.send(ask{
					line: "POST " + mount + "/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`,
					header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}, browser: "a",
				})
				if test.code == "" {
					if got.Code != http.StatusOK {
						t.Errorf("got %d %s, want it approved", got.Code, got.Body)
					}
					return
				}
				if got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), `"error":"`+test.code+`"`) {
					t.Errorf("got %d %s, want 403 %s", got.Code, got.Body, test.code)
				}
			})
		}
	}
}

func TestAStartThatPolicyRefuses(t *testing.T) {
	s := newFixture(t, options{Options: applicationtest.Options{Policy: policy.Must(policy.Settings{Set: policy.Changes{
		DevicesFrom: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, RequireLoginHint: policy.Yes, LinkCarriesCode: policy.No,
	}})}})
	for _, test := range []struct {
		line, body, from string
		status           int
		want             string
	}{
		{"/openapi/v1/oauth/device/code", `{"client_id":"difyctl"}`, "192.0.2.7", 403, `"error":"network_not_allowed"`},
		{"/oauth2/device_authorization", "client_id=difyctl", "192.0.2.7", 400, `"error":"unauthorized_client"`},
		{"/openapi/v1/oauth/device/code", `{"client_id":"difyctl"}`, "198.51.100.9", 400, `login_hint is required here`},
		{"/oauth2/device_authorization", "client_id=difyctl&login_hint=nobody", "198.51.100.9", 400, `"error":"invalid_request"`},
		{"/oauth2/device_authorization", "client_id=difyctl&login_hint=a@elsewhere.example", "198.51.100.9", 400, `speaks for the domain`},
		{"/oauth2/device_authorization", "client_id=difyctl&login_hint=ann@acme.example", "198.51.100.9", 200, `"user_code"`},
		{"/openapi/v1/oauth/device/code", `{"client_id":"difyctl","login_hint":"Ann@ACME.example"}`, "198.51.100.9", 200, `"user_code"`},
	} {
		got := s.send(ask{line: "POST " + test.line, body: test.body, from: test.from})
		if got.Code != test.status || !strings.Contains(got.Body.String(), test.want) {
			t.Errorf("%s %s: got %d %s, want %d with %s", test.line, test.body, got.Code, got.Body, test.status, test.want)
		}
		if strings.Contains(got.Body.String(), "verification_uri_complete") {
			t.Errorf("%s: got a link with the code, want none", test.line)
		}
	}
}

// The mail about a device is in the language of the browser that approved it.
func TestAnApprovalKeepsTheLanguageOfItsBrowser(t *testing.T) {
	s := newFixture(t, options{})
	s.signedInFor("/openapi/v1", "/oauth/device/sso-complete", "192.0.2.7", "")
	got := s.send(ask{
		line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`,
		header: http.Header{"X-Csrf-Token": {"{csrf_token}"}, "Accept-Language": {"de-AT,en;q=0.5"}}, browser: "a",
	})
	if got.Code != http.StatusOK {
		t.Fatalf("got %d %s, want it approved", got.Code, got.Body)
	}
	var kept string
	if err := s.DB.NewSelect().Table("device_authorizations").Column("language").Scan(t.Context(), &kept); err != nil || kept != "de-AT" {
		t.Errorf("got the language %q, %v, want de-AT", kept, err)
	}
}

func TestACodeThatIsTypedIsTakenAsJSON(t *testing.T) {
	s := newFixture(t, options{Options: applicationtest.Options{Policy: policy.Must(policy.Settings{Preset: policy.Parity, RequireTypedCode: true})}})
	s.signedInFor("/openapi/v1", "/oauth/device/sso-complete", "192.0.2.7", "")
	for _, c := range []struct {
		typed  string
		status int
	}{{"", http.StatusForbidden}, {"WDJB-MJHT", http.StatusForbidden}, {"{user_code}", http.StatusOK}} {
		got := s.send(ask{
			line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"{user_code}","typed_code":"` + c.typed + `"}`,
			header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}, browser: "a",
		})
		if got.Code != c.status {
			t.Errorf("%q: got %d %s, want %d", c.typed, got.Code, got.Body, c.status)
		}
	}
}

func TestADenialAsJSONKeepsItsReason(t *testing.T) {
	for body, want := range map[string]string{
		`{"user_code":"{user_code}","reason":"not_requested"}`: "oauth.device_flow_denied(not_requested)",
		`{"user_code":"{user_code}"}`:                          "oauth.device_flow_denied",
	} {
		s := newFixture(t, options{})
		s.signedInFor("/openapi/v1", "/oauth/device/sso-complete", "192.0.2.7", "")
		got := s.send(ask{line: "POST /openapi/v1/oauth/device/deny-external", body: body, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}, browser: "a"})
		if all := strings.Fields(s.History(t)); got.Code != http.StatusOK || !slices.Contains(all, want) {
			t.Errorf("%s: got %d and %v, want %s", body, got.Code, all, want)
		}
	}
}
