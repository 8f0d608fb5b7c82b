package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/conformance"
)

// options let a test's person decide at once, and its clock move.
func (s *toy) options() conformance.Options {
	find := func(l conformance.Login) *toyLogin {
		for _, one := range s.logins {
			if one.userCode == l.UserCode && one.state == "" {
				return one
			}
		}
		return nil
	}
	skip := func(d time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now = s.now.Add(d)
	}
	return conformance.Options{
		Target: s.URL, ClientID: "difyctl", OtherClientID: "other", IntrospectionID: "api", IntrospectionSecret: "secret",
		HTTP: http.DefaultClient,
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now
		},
		Wait: func(ctx context.Context, d time.Duration) error { skip(d); return ctx.Err() },
		Decide: func(_ context.Context, l conformance.Login, approve bool) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			find(l).state = map[bool]string{true: "approved", false: "denied"}[approve]
			return nil
		},
		Expire: func(_ context.Context, l conformance.Login) error { skip(l.ExpiresIn + time.Second); return nil },
	}
}

func run(t *testing.T, o conformance.Options) conformance.Report {
	t.Helper()
	report, err := conformance.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// ids lists the rows with a result.
func ids(report conformance.Report, result conformance.Result) []string {
	var found []string
	for _, row := range report.Rows {
		if row.Result == result {
			found = append(found, row.ID)
		}
	}
	return found
}

func TestAConformingServerPassesEveryRow(t *testing.T) {
	report := run(t, newToy(t).options())
	for _, row := range report.Rows {
		if row.Result != conformance.Pass {
			t.Errorf("%s: got %s %s, want it passed", row.ID, row.Result, row.Detail)
		}
	}
	if report.Passed != len(report.Rows) || report.Failed+report.Skipped != 0 {
		t.Errorf("got %d passed, %d failed and %d skipped, want %d, 0 and 0", report.Passed, report.Failed, report.Skipped, len(report.Rows))
	}
	seen := map[string]bool{}
	for _, row := range report.Rows {
		if seen[row.ID] || row.Clause == "" || row.Rule == "" {
			t.Errorf("got the row %+v, want a clause, a rule and an id of its own", row)
		}
		seen[row.ID] = true
	}
}

func TestWhatIsNotOfferedOrCannotBePlayedIsSkipped(t *testing.T) {
	s := newToy(t)
	s.spoil = func(r *http.Request, a *toyAnswer) {
		delete(a.body, "revocation_endpoint")
		delete(a.body, "introspection_endpoint")
	}
	o := s.options()
	o.Decide, o.Expire, o.OtherClientID = nil, nil, ""
	report := run(t, o)
	if got := ids(report, conformance.Fail); got != nil {
		t.Errorf("got the failures %v, want none", got)
	}
	for _, id := range []string{"7009-unknown", "7662-anonymous", "standard-token", "canonical-denied", "bearer-account", "sessions-self", "standard-foreign-code", "canonical-expired"} {
		if !slices.Contains(ids(report, conformance.Skip), id) {
			t.Errorf("%s: got %v skipped, want it among them", id, ids(report, conformance.Skip))
		}
	}
	none := newToy(t)
	none.spoil = func(_ *http.Request, a *toyAnswer) { *a = toyAnswer{status: 404, header: http.Header{}} }
	if report := run(t, none.options()); report.Skipped != len(report.Rows) {
		t.Errorf("no such server: got %d of %d skipped and the failures %v, want all skipped", report.Skipped, len(report.Rows), ids(report, conformance.Fail))
	}
}

func TestAServerThatLimitsIsNotWrong(t *testing.T) {
	s := newToy(t)
	s.spoil = func(r *http.Request, a *toyAnswer) {
		if strings.HasSuffix(r.URL.Path, "/code") || r.URL.Path == "/oauth2/device" {
			a.refuse(429, "rate_limited")
			a.header.Set("Retry-After", "60")
		}
	}
	report := run(t, s.options())
	if got := ids(report, conformance.Fail); got != nil {
		t.Errorf("got the failures %v, want none", got)
	}
}

func TestAWrongServerFailsTheRowsItBreaks(t *testing.T) {
	post := func(path string, r *http.Request) bool { return r.Method == "POST" && r.URL.Path == path }
	word := func(from, to string) func(*http.Request, *toyAnswer) {
		return func(r *http.Request, a *toyAnswer) {
			if a.body["error"] == from && r.URL.Path == "/oauth2/token" {
				a.refuse(400, to)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(r *http.Request, a *toyAnswer)
		fails []string
	}{
		"another issuer": {func(_ *http.Request, a *toyAnswer) {
			if a.body["issuer"] != nil {
				a.body["issuer"] = "https://other.example"
			}
		}, []string{"8414-issuer"}},
		"an issuer with a query": {func(_ *http.Request, a *toyAnswer) {
			if issuer, ok := a.body["issuer"].(string); ok {
				a.body["issuer"] = issuer + "?x"
			}
		}, []string{"8414-issuer", "8414-issuer-form"}},
		"no response types": {func(_ *http.Request, a *toyAnswer) { delete(a.body, "response_types_supported") }, []string{"8414-required"}},
		"the grant not announced": {func(_ *http.Request, a *toyAnswer) {
			if a.body["issuer"] != nil {
				a.body["grant_types_supported"] = []string{"authorization_code"}
			}
		}, []string{"8628-metadata"}},
		"an endpoint that is not there": {func(_ *http.Request, a *toyAnswer) {
			if issuer, ok := a.body["issuer"].(string); ok {
				a.body["registration_endpoint"] = issuer + "/none"
			}
		}, []string{"8414-endpoints"}},
		"expires_in as text": {func(r *http.Request, a *toyAnswer) {
			if post("/oauth2/device", r) && a.status == 200 && len(a.form["device_label"]) == 0 {
				a.body["expires_in"] = "900"
			}
		}, []string{"standard-codes"}},
		"a short device code": {func(r *http.Request, a *toyAnswer) {
			if post("/oauth2/device", r) && a.status == 200 {
				a.body["device_code"] = strings.TrimLeft(a.body["device_code"].(string), "dc_0")
			}
		}, []string{"standard-unlike", "standard-pending", "standard-early", "standard-interval", "standard-denied", "standard-foreign-code", "standard-token"}},
		"pending as 401":                {func(r *http.Request, a *toyAnswer) { status(r, a, "/oauth2/token", "authorization_pending", 401) }, []string{"standard-pending", "standard-interval"}},
		"denied in other words":         {word("access_denied", "denied"), []string{"standard-denied"}},
		"an unknown grant as a request": {word("unsupported_grant_type", "invalid_request"), []string{"standard-unknown-grant"}},
		"slow_down for ever":            {word("authorization_pending", "slow_down"), []string{"standard-pending", "standard-interval"}},
		"a foreign code is pending":     {word("invalid_grant", "authorization_pending"), []string{"standard-foreign-code"}},
		"GET on the token endpoint": {func(r *http.Request, a *toyAnswer) {
			if r.Method == "GET" && r.URL.Path == "/oauth2/token" {
				a.status, a.body = 200, map[string]any{}
			}
		}, []string{"standard-get"}},
		"no such client, 404": {func(r *http.Request, a *toyAnswer) { status(r, a, "/oauth2/device", "invalid_client", 404) }, []string{"standard-unknown-client"}},
		"empty parameters refused": {func(r *http.Request, a *toyAnswer) {
			if scope, given := a.form["scope"]; given && scope[0] == "" {
				a.refuse(400, "invalid_scope")
			}
		}, []string{"standard-tolerant"}},
		"tokens that caches keep": {func(r *http.Request, a *toyAnswer) {
			if a.body["access_token"] != nil && r.URL.Path == "/oauth2/token" {
				a.header.Del("Cache-Control")
			}
		}, []string{"standard-token"}},
		"pending that says more": {func(r *http.Request, a *toyAnswer) {
			if post("/openapi/v1/oauth/device/token", r) && a.body["error"] == "authorization_pending" {
				a.body["message"] = "later"
			}
		}, []string{"canonical-pending"}},
		"no slow_down": {func(r *http.Request, a *toyAnswer) {
			if a.body["error"] == "slow_down" && post("/openapi/v1/oauth/device/token", r) {
				a.refuse(400, "authorization_pending")
			}
		}, []string{"canonical-early"}},
		"invalid_client on the canonical mount": {func(_ *http.Request, a *toyAnswer) {
			if a.body["error"] == "unsupported_client" {
				a.body["error"] = "invalid_client"
			}
		}, []string{"canonical-unknown-client"}},
		"errors without a status": {func(r *http.Request, a *toyAnswer) {
			if post("/openapi/v1/oauth/device/code", r) && a.status == 400 {
				delete(a.body, "status")
			}
		}, []string{"canonical-unknown-client", "canonical-no-client", "canonical-not-json", "canonical-repeated"}},
		"frames on errors": {func(_ *http.Request, a *toyAnswer) {
			if a.status == 404 {
				a.header.Del("X-Frame-Options")
			}
		}, []string{"canonical-frames", "legacy-shrinks"}},
		"a redirect at a slash": {func(r *http.Request, a *toyAnswer) {
			if strings.HasSuffix(r.URL.Path, "/token/") {
				a.status = 301
			}
		}, []string{"canonical-slash"}},
		"codes must be typed exactly": {func(r *http.Request, a *toyAnswer) {
			if code := r.URL.Query().Get("user_code"); strings.ToUpper(code) != code {
				a.body["valid"] = false
			}
		}, []string{"canonical-lookup"}},
		"no challenge": {func(_ *http.Request, a *toyAnswer) { a.header.Del("WWW-Authenticate") }, []string{"bearer-none", "bearer-unknown", "bearer-malformed", "sessions-self", "7009-live"}},
		"a scheme in one case": {func(r *http.Request, a *toyAnswer) {
			if strings.HasPrefix(r.Header.Get("Authorization"), "bEARER") {
				a.status = 401
			}
		}, []string{"bearer-case"}},
		"a token in the address": {func(r *http.Request, a *toyAnswer) {
			if r.URL.Query().Has("access_token") {
				a.status = 200
			}
		}, []string{"bearer-query"}},
		"a token in the body": {func(_ *http.Request, a *toyAnswer) {
			if a.form.Has("access_token") {
				a.status = 200
			}
		}, []string{"bearer-body"}},
		"tokens that live on": {func(r *http.Request, a *toyAnswer) {
			if r.URL.Path == "/openapi/v1/account" && a.status == 401 && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer dfoe_") && !strings.Contains(r.Header.Get("Authorization"), "conformance") {
				a.status = 200
			}
		}, []string{"sessions-self", "7009-live"}},
		"unknown tokens cannot be revoked": {func(r *http.Request, a *toyAnswer) {
			if post("/oauth2/revoke", r) && strings.Contains(a.form.Get("token"), "conformance") {
				a.refuse(400, "invalid_token")
			}
		}, []string{"7009-unknown", "7009-hint"}},
		"hints that have to be known": {func(r *http.Request, a *toyAnswer) {
			if a.form.Get("token_type_hint") == "conformance_unknown" {
				a.refuse(400, "invalid_request")
			}
		}, []string{"7009-hint"}},
		"revoking nothing": {func(r *http.Request, a *toyAnswer) {
			if post("/oauth2/revoke", r) {
				a.status, a.body = 200, map[string]any{}
			}
		}, []string{"7009-missing"}},
		"introspection without credentials": {func(r *http.Request, a *toyAnswer) {
			if post("/oauth2/introspect", r) && a.status == 401 {
				a.status, a.body = 200, map[string]any{"active": false}
			}
		}, []string{"7662-anonymous", "7662-credentials"}},
		"inactive tokens explained": {func(r *http.Request, a *toyAnswer) {
			if a.body["active"] == false {
				a.body["reason"] = "unknown"
			}
		}, []string{"7662-unknown", "7009-live"}},
		"exp as text": {func(r *http.Request, a *toyAnswer) {
			if a.body["active"] == true {
				a.body["exp"] = "soon"
			}
		}, []string{"7662-live"}},
		"a date instead of seconds": {func(_ *http.Request, a *toyAnswer) {
			if a.header.Get("Deprecation") != "" {
				a.header.Set("Deprecation", "true")
			}
		}, []string{"legacy-deprecated"}},
		"another answer on the alias": {func(r *http.Request, a *toyAnswer) {
			if r.URL.Path == "/v1/oauth/device/approval-context" {
				a.body["code"] = "invalid_session"
			}
		}, []string{"legacy-same"}},
		"sessions that are a bare list": {func(r *http.Request, a *toyAnswer) { delete(a.body, "has_more") }, []string{"sessions-list"}},
		"a page of any size": {func(_ *http.Request, a *toyAnswer) {
			if a.status == 422 {
				a.status = 200
			}
		}, []string{"sessions-page"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newToy(t)
			s.spoil = c.spoil
			got, want := ids(run(t, s.options()), conformance.Fail), slices.Clone(c.fails)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("fails %v, want %v", got, want)
			}
		})
	}
}

func status(r *http.Request, a *toyAnswer, path, word string, status int) {
	if r.URL.Path == path && a.body["error"] == word {
		a.status = status
	}
}

func TestTheReport(t *testing.T) {
	s := newToy(t)
	s.spoil = func(r *http.Request, a *toyAnswer) {
		if a.body["issuer"] != nil {
			a.body["issuer"] = "https://x\x1b[31m.example"
		}
	}
	report := run(t, s.options())
	var table, text bytes.Buffer
	if err := errors.Join(report.WriteTable(&table), report.WriteJSON(&text)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FAIL    RFC 8414 §3.3", "pass    RFC 8628 §3.5", " 2 failed, 0 skipped"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	var back conformance.Report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || back.Failed != 2 || len(back.Rows) != len(report.Rows) {
		t.Errorf("got %+v, %v, want the report with 2 failures and %d rows", back, err, len(report.Rows))
	}
	for token := range s.tokens {
		if strings.Contains(table.String()+text.String(), token) {
			t.Errorf("got the token %s in the report, want it left out", token)
		}
	}
	if strings.Contains(table.String(), "\x1b") {
		t.Errorf("got the table %q, want no control characters of the server", &table)
	}
}

func TestInvalidTargetsAreRefused(t *testing.T) {
	for _, target := range []string{"", "localhost", "ftp://x", "https://x?y", "https://x#y"} {
		if _, err := conformance.Run(t.Context(), conformance.Options{Target: target, HTTP: http.DefaultClient, Now: time.Now}); err == nil {
			t.Errorf("Run(%q): got no error, want one", target)
		}
	}
}
