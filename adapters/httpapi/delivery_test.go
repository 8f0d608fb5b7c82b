package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// approved is a fixture where a device may fetch its token.
func approved(t *testing.T) *fixture {
	t.Helper()
	s := newFixture(t, options{})
	s.signedIn()
	w := s.send(ask{
		line: "POST /openapi/v1/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`,
		header: http.Header{"X-Csrf-Token": {"{csrf_token}"}},
	})
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s, want 200", w.Code, w.Body)
	}
	return s
}

var fetch = ask{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`}

// failsToWrite is the connection of a client that closed it before the answer.
type failsToWrite struct{ *httptest.ResponseRecorder }

var errReset = errors.New("connection reset by peer")

func (failsToWrite) Write([]byte) (int, error) { return 0, errReset }

// failsToFlush is the connection of a client that closes it during the answer.
type failsToFlush struct{ *httptest.ResponseRecorder }

func (failsToFlush) FlushError() error { return errReset }

func TestATokenWhoseAnswerIsNotDeliveredIsWithdrawnAtOnce(t *testing.T) {
	for name, writer := range map[string]http.ResponseWriter{
		"closed before it is written": failsToWrite{httptest.NewRecorder()},
		"closed while it is written":  failsToFlush{httptest.NewRecorder()},
	} {
		t.Run(name, func(t *testing.T) {
			s := approved(t)
			r := httptest.NewRequest(http.MethodPost, "/openapi/v1/oauth/device/token", strings.NewReader(s.fill(fetch.body)))
			r.Header.Set("Content-Type", "application/json")
			r.RemoteAddr = "192.0.2.7:1"
			s.handler.ServeHTTP(writer, r)
			if n := s.LiveTokens(t); n != 0 {
				t.Errorf("got %d tokens alive, want 0", n)
			}
			if got := s.History(t); !strings.HasSuffix(got, "oauth.token_minted oauth.token_revoked(not_delivered)") {
				t.Errorf("got the events %s, want a token minted and revoked as not delivered", got)
			}
			s.Clock.Advance(5 * time.Second)
			if w := s.send(fetch); w.Code != http.StatusOK {
				t.Errorf("asked again: got %d %s, want 200", w.Code, w.Body)
			}
			if w := s.send(ask{line: "GET /openapi/v1/account", header: http.Header{"Authorization": {"Bearer {token}"}}}); w.Code != http.StatusOK {
				t.Errorf("with the second answer: got %d %s, want 200", w.Code, w.Body)
			}
		})
	}
}

func TestAWriterThatCannotFlushIsNoProofOfAFailure(t *testing.T) { // F03
	s := approved(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/openapi/v1/oauth/device/token", strings.NewReader(s.fill(fetch.body)))
	r.Header.Set("Content-Type", "application/json")
	s.handler.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	if n := s.LiveTokens(t); w.Code != http.StatusOK || n != 1 {
		t.Errorf("got status %d and %d live tokens, want 200 and 1", w.Code, n)
	}
}

func TestAClientThatClosesItsSendingHalfIsAnswered(t *testing.T) { // F36, F59
	for name, c := range map[string]struct {
		path, body string
		want       string
	}{
		"start":           {"/openapi/v1/oauth/device/code", `{"client_id":"difyctl"}`, "HTTP/1.1 200 OK"},
		"poll, approved":  {"/openapi/v1/oauth/device/token", `{"device_code":"{device_code}"}`, "HTTP/1.1 200 OK"},
		"poll, unknown":   {"/openapi/v1/oauth/device/token", `{"device_code":"dc_unknown"}`, "HTTP/1.1 400 Bad Request"},
		"wrong user code": {"/openapi/v1/oauth/device/approve-external", `{"user_code":"AAAA-AAAA"}`, "HTTP/1.1 401 Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			s := approved(t)
			closed := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-closed
				awaitEnd(t, r) // net/http has noticed
				s.handler.ServeHTTP(w, r)
			}))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			body := s.fill(c.body)
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", c.path, len(body), body)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			close(closed)
			text, err := io.ReadAll(conn)
			if got, _, _ := strings.Cut(string(text), "\r\n"); err != nil || got != c.want {
				t.Errorf("got %q (%v), want %q", text, err, c.want)
			}
			if log := s.log.String(); strings.Contains(log, `"level":"ERROR"`) {
				t.Errorf("got %s, want no error", log)
			}
			if name == "poll, approved" && s.LiveTokens(t) != 1 {
				t.Error("the token is revoked, want it alive")
			}
		})
	}
}

// awaitEnd reads the body, so that net/http looks for the end of the connection
// in the background, and waits until it has found it.
func awaitEnd(t *testing.T, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	<-r.Context().Done()
}

func TestATokenIsDeliveredOverARealConnection(t *testing.T) {
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
		t.Errorf("got %s, %v, want 200 with a token", answer.Status, err)
	}
	large := `{"device_code":"` + strings.Repeat("x", 70_000) + `"}`
	if answer := post("/openapi/v1/oauth/device/token", large); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s for a large body, want 413", answer.Status)
	}
	if s.LiveTokens(t) != 1 {
		t.Errorf("got %d tokens alive after the delivery, want 1", s.LiveTokens(t))
	}
}
