package clientcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

// service is a server whose tokens are live until they are revoked. Answers are
// the errors that polls get before the token.
type service struct {
	*httptest.Server
	mu      sync.Mutex
	answers []string
	issued  int
	live    map[string]bool
	down    bool
	asked   url.Values // what the last login asked for
}

func serve(t *testing.T, answers ...string) *service {
	s := &service{answers: answers, live: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /openapi/v1/oauth/device/code", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // what cannot be read is missed by the test
		s.mu.Lock()
		s.asked = r.PostForm
		s.mu.Unlock()
		fmt.Fprintf(w, `{"device_code":"dc_secret","user_code":"ABCD-EFGH","verification_uri":"%[1]s/device","verification_uri_complete":"%[1]s/device?user_code=ABCD-EFGH","expires_in":900,"interval":5}`, s.URL)
	})
	mux.HandleFunc("POST /openapi/v1/oauth/device/token", s.token)
	mux.HandleFunc("GET /openapi/v1/account", s.bearer(func(w http.ResponseWriter, _ *http.Request, _ string) {
		fmt.Fprint(w, `{"subject_type":"external_sso","subject_email":"alice@acme.example","subject_issuer":"https://idp.example"}`)
	}))
	mux.HandleFunc("GET /openapi/v1/account/sessions", s.bearer(func(w http.ResponseWriter, _ *http.Request, _ string) {
		fmt.Fprint(w, `{"data":[{"id":"id-1","client_id":"difyctl","device_label":"lap\u001b[31mtop","created_at":"2026-11-28T12:00:00Z","expires_at":"2026-12-12T12:00:00Z","last_used_at":null}]}`)
	}))
	mux.HandleFunc("DELETE /openapi/v1/account/sessions/{id}", s.bearer(func(w http.ResponseWriter, r *http.Request, token string) {
		if id := r.PathValue("id"); id != "self" && id != "id-1" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":"not_found"}`)
			return
		}
		delete(s.live, token)
	}))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) token(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) > 0 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%q}`, s.answers[0])
		s.answers = s.answers[1:]
		return
	}
	s.issued++
	token := fmt.Sprintf("dfoe_secret%d", s.issued)
	s.live[token] = true
	fmt.Fprintf(w, `{"token":%q,"token_id":"id-1","subject_email":"alice@acme.example","expires_at":"2026-12-12T12:00:00+00:00"}`, token)
}

func (s *service) bearer(serve func(w http.ResponseWriter, r *http.Request, token string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case s.down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case !s.live[token]:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			serve(w, r, token)
		}
	}
}

// bench is a tool whose clock moves when it waits.
type bench struct {
	tool
	out, err *bytes.Buffer
	opened   []string
	waited   int
}

func newBench(t *testing.T) *bench {
	b := &bench{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	b.tool = tool{
		out: b.out, err: b.err, http: deviceclient.NewHTTPClient(nil),
		now: func() time.Time { return now },
		wait: func(ctx context.Context, d time.Duration) error {
			now = now.Add(d)
			b.waited++
			return ctx.Err()
		},
		store:  deviceclient.Store{Dir: t.TempDir()},
		browse: func(address string) error { b.opened = append(b.opened, address); return nil },
	}
	return b
}

// login signs in and forgets what was printed.
func (b *bench) login(t *testing.T, s *service) {
	t.Helper()
	b.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto"}.run(t.Context(), b.tool), 0)
	b.out.Reset()
	b.err.Reset()
}

// exits checks the exit code that err asks for.
func (b *bench) exits(t *testing.T, err error, want int) {
	t.Helper()
	got, failed := 0, exitError{}
	switch err = withCode(err); {
	case errors.As(err, &failed):
		got = failed.code
	case err != nil:
		got = -1
	}
	if got != want {
		t.Fatalf("exit code %d (%v), want %d", got, err, want)
	}
}

// lines reads what --json printed.
func (b *bench) lines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(b.out.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("got %q (%v), want JSON", line, err)
		}
		lines = append(lines, v)
	}
	return lines
}
