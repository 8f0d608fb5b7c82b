// Package enterprisetest stands in for a Dify Enterprise inner API, for tests:
// it takes state envelopes, plays the identity provider, and sends browsers
// back with signed assertions, as the wire contract says.
package enterprisetest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Issuer is the identity provider behind the inner API.
const Issuer = "https://idp.enterprise.example/metadata"

// Server is the inner API and the identity provider in one.
type Server struct {
	URL    *url.URL
	secret string
	key    []byte

	mu       sync.Mutex
	failing  http.HandlerFunc
	license  string
	person   string
	calls    map[string]int
	envelope jwt.MapClaims
}

// Start runs a server until the test ends. It wants to see secret in every
// call, and signs and verifies with key. Its licence is active, and alice@acme.example
// signs in.
func Start(t testing.TB, secret string, key []byte) *Server {
	s := &Server{secret: secret, key: key, license: "active", person: "alice@acme.example", calls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /inner/device-flow/sso-initiate", s.inner(s.initiate))
	mux.HandleFunc("GET /inner/info", s.inner(s.info))
	mux.HandleFunc("GET /idp", s.signIn)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL, _ = url.Parse(server.URL + "/inner")
	return s
}

// Fail answers every later call to the inner API by h; nil ends that.
func (s *Server) Fail(h http.HandlerFunc) { s.set(func() { s.failing = h }) }

// License sets the licence's status.
func (s *Server) License(status string) { s.set(func() { s.license = status }) }

// SignIn sets the person who signs in next; empty: sign-ins are denied.
func (s *Server) SignIn(email string) { s.set(func() { s.person = email }) }

// Calls is how often a path below the inner API's URL was asked for.
func (s *Server) Calls(path string) (n int) {
	s.set(func() { n = s.calls[path] })
	return n
}

// Envelope is what the last state envelope claimed.
func (s *Server) Envelope() (claims map[string]any) {
	s.set(func() { claims = s.envelope })
	return claims
}

// Claims are those of a good assertion about email, issued at the given time.
func Claims(email, userCode, nonce string, at time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"aud": "api.device_flow.external_subject_assertion", "iat": at.Unix(), "exp": at.Add(5 * time.Minute).Unix(),
		"nonce": nonce, "user_code": userCode, "email": email, "issuer": Issuer,
	}
}

// Sign makes a JWS of claims in the form that both services share.
func Sign(key []byte, claims jwt.Claims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = "dify-shared-v1"
	text, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return text
}

func (s *Server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *Server) inner(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var failing http.HandlerFunc
		s.set(func() {
			s.calls[r.URL.Path[len("/inner"):]]++
			failing = s.failing
		})
		switch {
		case failing != nil:
			failing(w, r)
		case r.Header.Get("Enterprise-Api-Secret-Key") != s.secret:
			http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
		default:
			next(w, r)
		}
	}
}

func (s *Server) initiate(w http.ResponseWriter, r *http.Request) {
	var body struct {
		SignedState string `json:"signed_state"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, `{"error":"bad_request"}`, http.StatusBadRequest)
		return
	}
	claims, err := s.read(body.SignedState)
	if err != nil {
		http.Error(w, `{"error":"bad_state"}`, http.StatusBadRequest)
		return
	}
	s.set(func() { s.envelope = claims })
	answer(w, map[string]string{"url": "http://" + r.Host + "/idp?" + url.Values{"state": {body.SignedState}}.Encode()})
}

// signIn plays the identity provider: it sends the browser back at once.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	state, err := s.read(r.URL.Query().Get("state"))
	if err != nil {
		http.Error(w, "bad state", http.StatusBadRequest)
		return
	}
	var person string
	s.set(func() { person = s.person })
	query := url.Values{"sso_error": {"access_denied"}}
	if person != "" {
		code, nonce := state["user_code"].(string), state["nonce"].(string)
		query = url.Values{"sso_assertion": {Sign(s.key, Claims(person, code, nonce, time.Now()))}}
	}
	http.Redirect(w, r, state["idp_callback_url"].(string)+"?"+query.Encode(), http.StatusFound)
}

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	var status string
	s.set(func() { status = s.license })
	answer(w, map[string]any{"License": map[string]string{"status": status}})
}

// read verifies a state envelope as the inner API does, with a JWT
// library, so that the check does not repeat our own code.
func (s *Server) read(envelope string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(envelope, claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != "dify-shared-v1" || t.Header["typ"] != "JWT" {
			return nil, errors.New("another key or type")
		}
		return s.key, nil
	}, jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("api.sso.state_envelope"), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	return claims, err
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
