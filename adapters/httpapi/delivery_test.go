package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// approved is a site where a device may fetch its token.
func approved(t *testing.T) *site {
	t.Helper()
	s := newSite(t, options{})
	s.signedIn()
	w := s.send(ask{
		line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`,
		header: http.Header{"X-Csrf-Token": {"{csrf_token}"}},
	})
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	return s
}

var fetch = ask{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`}

// gone is a client that has hung up before the answer was written.
type gone struct{ *httptest.ResponseRecorder }

var errGone = errors.New("connection reset by peer")

func (gone) Write([]byte) (int, error) { return 0, errGone }

// deaf is one that hangs up while the answer is on its way.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) FlushError() error { return errGone }

func TestATokenWhoseAnswerIsNotDeliveredIsWithdrawnAtOnce(t *testing.T) {
	for name, writer := range map[string]http.ResponseWriter{
		"gone before it is written": gone{httptest.NewRecorder()},
		"gone while it is written":  deaf{httptest.NewRecorder()},
	} {
		t.Run(name, func(t *testing.T) {
			s := approved(t)
			r := httptest.NewRequest(http.MethodPost, "/openapi/v1/oauth/device/token", strings.NewReader(s.fill(fetch.body)))
			r.Header.Set("Content-Type", "application/json")
			r.RemoteAddr = "192.0.2.7:1"
			s.handler.ServeHTTP(writer, r)
			if n := s.Count(t, "oauth_access_tokens", "revoked_at IS NULL"); n != 0 {
				t.Errorf("%d tokens are alive", n)
			}
			if got := s.History(t); !strings.HasSuffix(got, "oauth.token_minted oauth.token_revoked(not_delivered)") {
				t.Error(got)
			}
			s.Clock.Pass(5 * time.Second)
			if w := s.send(fetch); w.Code != http.StatusOK {
				t.Errorf("it cannot be asked for again: %s", w.Body)
			}
			if w := s.send(ask{line: "GET /openapi/v1/account", header: http.Header{"Authorization": {"Bearer {token}"}}}); w.Code != http.StatusOK {
				t.Errorf("the second answer opens nothing: %s", w.Body)
			}
		})
	}
}

func TestAClientThatHangsUpIsNoDefect(t *testing.T) {
	s := approved(t)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, path := range []string{"/openapi/v1/oauth/device/token", "/openapi/v1/oauth/device/code"} {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(s.fill(`{"client_id":"difyctl","device_code":"{device_code}"}`)))
		r.Header.Set("Content-Type", "application/json")
		s.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "client has gone") {
		t.Error(log)
	}
	if n := s.Count(t, "oauth_access_tokens", "true"); n != 0 {
		t.Errorf("%d tokens were made", n)
	}
}

func TestOverARealConnection(t *testing.T) {
	s := approved(t)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	post := func(path, body string) *http.Response {
		t.Helper()
		// A reader whose length net/http cannot know: chunked (D30).
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, struct{ *strings.Reader }{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	answer := post("/openapi/v1/oauth/device/token", s.fill(fetch.body))
	var body map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || answer.StatusCode != http.StatusOK || body["access_token"] == "" {
		t.Errorf("%s, %v", answer.Status, err)
	}
	large := `{"device_code":"` + strings.Repeat("x", 70_000) + `"}`
	if answer := post("/openapi/v1/oauth/device/token", large); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(answer.Status)
	}
	if s.Count(t, "oauth_access_tokens", "revoked_at IS NULL") != 1 {
		t.Error("the token has not survived its delivery")
	}
}
