package conformance_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// toy is the least server that keeps every rule. Its answers pass through
// spoil, which a test sets to break some.
type toy struct {
	*httptest.Server
	mu     sync.Mutex
	now    time.Time
	serial int
	logins map[string]*toyLogin // by device code
	tokens map[string]bool      // whether it is live
	spoil  func(r *http.Request, a *toyAnswer)
}

type toyLogin struct {
	client, userCode, state string // state: "", "approved", "denied"
	expires, polled         time.Time
}

// toyAnswer is an answer before it is written. A body of nil is no JSON.
type toyAnswer struct {
	status int
	header http.Header
	body   map[string]any
	form   url.Values // what was asked
}

func newToy(t *testing.T) *toy {
	s := &toy{now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), logins: map[string]*toyLogin{}, tokens: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *toy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &toyAnswer{status: 200, header: http.Header{}, body: map[string]any{}}
	s.serve(r, a)
	if s.spoil != nil {
		s.spoil(r, a)
	}
	a.header.Set("Content-Type", "application/json")
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

func (s *toy) serve(r *http.Request, a *toyAnswer) {
	a.header.Set("Cache-Control", "no-store")
	body, _ := io.ReadAll(r.Body)
	isJSON := strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	a.form, _ = url.ParseQuery(string(body))
	if isJSON {
		var object map[string]any
		if json.Unmarshal(body, &object) != nil {
			a.form = nil
		}
		for name, value := range object {
			a.form[name] = []string{fmt.Sprint(value)}
		}
	}
	repeated := a.form == nil
	for _, values := range a.form {
		repeated = repeated || len(values) > 1
	}
	below, canonical := strings.CutPrefix(r.URL.Path, "/openapi/v1")
	if canonical || strings.HasPrefix(r.URL.Path, "/v1/") {
		a.header.Set("X-Frame-Options", "DENY")
		a.header.Set("Content-Security-Policy", "frame-ancestors 'none'")
		defer s.complete(a, below)
	}
	switch key := r.Method + " " + r.URL.Path; {
	case len(body) > 64<<10:
		a.refuse(413, "request_too_large")
	case key == "GET /.well-known/oauth-authorization-server":
		a.body = map[string]any{
			"issuer": s.URL, "device_authorization_endpoint": s.URL + "/oauth2/device", "token_endpoint": s.URL + "/oauth2/token",
			"revocation_endpoint": s.URL + "/oauth2/revoke", "introspection_endpoint": s.URL + "/oauth2/introspect",
			"response_types_supported": []string{}, "grant_types_supported": []string{grant},
		}
	case repeated && r.Method == "POST":
		a.refuse(400, "invalid_request")
	case key == "POST /oauth2/device", key == "POST /openapi/v1/oauth/device/code":
		s.start(a, canonical)
	case key == "POST /oauth2/token" && a.form.Get("grant_type") == "":
		a.refuse(400, "invalid_request")
	case key == "POST /oauth2/token" && a.form.Get("grant_type") != grant:
		a.refuse(400, "unsupported_grant_type")
	case key == "POST /oauth2/token", key == "POST /openapi/v1/oauth/device/token":
		s.poll(a, canonical)
	case key == "POST /oauth2/revoke", key == "POST /oauth2/introspect":
		s.tokenEndpoint(r, a)
	case strings.HasPrefix(r.URL.Path, "/oauth2/"), key == "GET /openapi/v1/oauth/device/code":
		a.header.Set("Allow", "POST")
		a.refuse(405, "method_not_allowed")
	case r.URL.Path == "/v1/oauth/device/approval-context":
		a.header.Set("Deprecation", "@1777161600")
		a.header.Set("Link", "<"+s.URL+`/openapi/v1/oauth/device/approval-context>; rel="successor-version"`)
		a.refuse(401, "no_session")
	case below == "/oauth/device/approval-context":
		a.refuse(401, "no_session")
	case below == "/oauth/device/lookup":
		s.lookUp(r, a)
	case below == "/_version":
		a.body = map[string]any{"version": "1", "edition": "SELF_HOSTED"}
	case below == "/_health":
	case strings.HasPrefix(below, "/account"):
		s.account(r, a, below)
	default:
		a.refuse(404, "not_found")
	}
}

const grant = "urn:ietf:params:oauth:grant-type:device_code"

func (a *toyAnswer) refuse(status int, word string) {
	a.status, a.body = status, map[string]any{"error": word}
}

// complete gives errors of the API all their members; those of polls have one.
func (s *toy) complete(a *toyAnswer, below string) {
	if word, ok := a.body["error"].(string); ok && below != "/oauth/device/token" {
		a.body = map[string]any{"error": word, "code": word, "error_description": "No.", "message": "No.", "status": a.status, "request_id": "r"}
	}
}

func (s *toy) start(a *toyAnswer, canonical bool) {
	client := a.form.Get("client_id")
	switch {
	case client == "":
		a.refuse(400, "invalid_request")
		return
	case client != "difyctl" && client != "other":
		a.refuse(400, map[bool]string{true: "unsupported_client", false: "invalid_client"}[canonical])
		return
	case a.form.Get("scope") != "":
		a.refuse(400, "invalid_scope")
		return
	}
	s.serial++
	device, user := fmt.Sprintf("dc_%032d", s.serial), "AAAA-BBB"+string("CDEFGHJKLMNPQRSTUVWXY"[s.serial%21])
	s.logins[device] = &toyLogin{client: client, userCode: user, expires: s.now.Add(900 * time.Second)}
	a.body = map[string]any{
		"device_code": device, "user_code": user, "expires_in": 900, "interval": 5,
		"verification_uri": s.URL + "/device", "verification_uri_complete": s.URL + "/device?user_code=" + user,
	}
}

func (s *toy) poll(a *toyAnswer, canonical bool) {
	l := s.logins[a.form.Get("device_code")]
	switch {
	case a.form.Get("device_code") == "":
		a.refuse(400, "invalid_request")
	case l == nil, s.now.After(l.expires):
		a.refuse(400, "expired_token")
	case l.client != a.form.Get("client_id"):
		a.refuse(400, map[bool]string{true: "expired_token", false: "invalid_grant"}[canonical])
	case l.state == "denied":
		a.refuse(400, "access_denied")
	case l.state == "approved":
		s.serial++
		token := fmt.Sprintf("dfoe_%d", s.serial)
		s.tokens[token] = true
		a.body = map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600}
		if canonical {
			for _, name := range []string{"subject_type", "subject_email", "subject_issuer", "expires_at", "token_id"} {
				a.body[name] = "x"
			}
			a.body["token"], a.body["account"], a.body["workspaces"], a.body["default_workspace_id"] = token, nil, []any{}, nil
		}
	case s.now.Sub(l.polled) < 5*time.Second:
		a.refuse(400, "slow_down")
	default:
		l.polled = s.now
		a.refuse(400, "authorization_pending")
	}
}

func (s *toy) lookUp(r *http.Request, a *toyAnswer) {
	bare := func(code string) string { return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code)) }
	a.body = map[string]any{"valid": false, "expires_in_remaining": 0, "client_id": nil}
	for _, l := range s.logins {
		if bare(l.userCode) == bare(r.URL.Query().Get("user_code")) {
			a.body = map[string]any{"valid": true, "expires_in_remaining": 899, "client_id": l.client}
		}
	}
	if r.URL.RawQuery == "" {
		a.refuse(400, "invalid_request")
	}
}

func (s *toy) account(r *http.Request, a *toyAnswer, below string) {
	words := strings.Fields(r.Header.Get("Authorization"))
	if len(words) != 2 || !strings.EqualFold(words[0], "bearer") || !s.tokens[words[1]] {
		a.refuse(401, "invalid_token")
		a.header.Set("WWW-Authenticate", "Bearer")
		return
	}
	switch {
	case r.URL.Query().Get("limit") == "201":
		a.refuse(422, "invalid_param")
	case below == "/account/sessions/self":
		s.tokens[words[1]] = false
	case strings.HasPrefix(below, "/account/sessions/"):
		a.refuse(404, "not_found")
	case below == "/account/sessions":
		row := map[string]any{"id": "1", "prefix": "dfoe_", "client_id": "difyctl", "created_at": "x", "expires_at": "x"}
		a.body = map[string]any{"page": 1, "limit": 200, "total": 1, "has_more": false, "data": []any{row}}
	default:
		a.body = map[string]any{"subject_type": "x", "subject_email": "x", "subject_issuer": "x", "account": nil, "workspaces": []any{}, "default_workspace_id": nil}
	}
}

func (s *toy) tokenEndpoint(r *http.Request, a *toyAnswer) {
	token := a.form.Get("token")
	id, secret, _ := r.BasicAuth()
	switch {
	case r.URL.Path == "/oauth2/introspect" && (id != "api" || secret != "secret"):
		a.refuse(401, "invalid_client")
	case token == "":
		a.refuse(400, "invalid_request")
	case r.URL.Path == "/oauth2/revoke":
		s.tokens[token] = false
	default:
		a.body = map[string]any{"active": s.tokens[token]}
		if s.tokens[token] {
			a.body["exp"], a.body["client_id"] = 1796000000, "difyctl"
		}
	}
}
