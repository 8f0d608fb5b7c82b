// Package guardtest is a devicegate for tests of an API that is protected with
// package guard: it issues tokens, answers questions about them, and can be
// taken down. It opens no port, so that tests can run in parallel and in a
// bubble of testing/synctest.
package guardtest

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/internal/tokenform"
)

const (
	clientID     = "guardtest"
	clientSecret = "guardtest-secret"
)

// Server stands in for devicegate. The zero value knows no token.
type Server struct {
	mu     sync.Mutex
	tokens map[string]guard.Token
	down   bool
	calls  int
}

// NewServer returns a server that knows no token yet.
func NewServer() *Server { return &Server{} }

// Config returns settings with which a guard asks s and logs nothing.
func (s *Server) Config() guard.Config {
	return guard.Config{
		Endpoint: "https://devicegate.test/oauth2/introspect", ClientID: clientID, ClientSecret: clientSecret,
		HTTPClient: &http.Client{Transport: transport{s}}, Logger: slog.New(slog.DiscardHandler),
	}
}

// Guard returns a guard that asks s.
func (s *Server) Guard() *guard.Guard {
	g, err := guard.New(s.Config())
	if err != nil {
		panic(err) // the settings above are complete
	}
	return g
}

// Issue makes a token and returns its text, as a client would send it. The
// facts t are what a guard finds out about it.
func (s *Server) Issue(t guard.Token) string {
	text := tokenform.New()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]guard.Token{}
	}
	s.tokens[text] = t
	return text
}

// Revoke ends a token. Guards may accept it for their MaxAge.
func (s *Server) Revoke(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, text)
}

// SetDown makes every later call fail, or succeed again.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Calls returns how often s was asked.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// ServeHTTP is the introspection endpoint, for tests that need a real address
// (httptest.NewServer(s)).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	s.mu.Lock()
	s.calls++
	token, known := s.tokens[r.PostFormValue("token")]
	down := s.down
	s.mu.Unlock()
	answer := map[string]any{"active": false}
	status := http.StatusOK
	switch {
	case down:
		status, answer = http.StatusServiceUnavailable, map[string]any{"error": "temporarily_unavailable"}
	case r.Method != http.MethodPost:
		status, answer = http.StatusMethodNotAllowed, map[string]any{"error": "invalid_request"}
	case id != clientID || secret != clientSecret:
		status, answer = http.StatusUnauthorized, map[string]any{"error": "invalid_client"}
	case known:
		answer = facts(token)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func facts(t guard.Token) map[string]any {
	answer := map[string]any{"active": true, "token_type": "Bearer"}
	for name, value := range map[string]string{
		"jti": t.ID, "sub": t.Subject, "username": t.Username, "iss": t.Issuer, "client_id": t.ClientID,
		"scope": strings.Join(t.Scopes, " "),
	} {
		if value != "" {
			answer[name] = value
		}
	}
	if len(t.Audience) > 0 {
		answer["aud"] = t.Audience
	}
	if !t.IssuedAt.IsZero() {
		answer["iat"] = t.IssuedAt.Unix()
	}
	if !t.ExpiresAt.IsZero() {
		answer["exp"] = t.ExpiresAt.Unix()
	}
	return answer
}

// transport calls a server without a network.
type transport struct{ server *Server }

// RoundTrip answers r.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.server.mu.Lock()
	down := t.server.down
	if down {
		t.server.calls++
	}
	t.server.mu.Unlock()
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case down:
		return nil, errors.New("guardtest: the server is down")
	}
	w := httptest.NewRecorder()
	t.server.ServeHTTP(w, r)
	return w.Result(), nil
}
