package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

// build makes the guard of s with changed settings.
func build(t *testing.T, s *guardtest.Server, change func(*guard.Config)) *guard.Guard {
	t.Helper()
	config := s.Config()
	if change != nil {
		change(&config)
	}
	g, err := guard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// answering returns settings whose server is f.
func answering(f func(*http.Request) (*http.Response, error)) guard.Config {
	config := guardtest.NewServer().Config()
	config.HTTPClient = &http.Client{Transport: roundTripper(f)}
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// echo answers with the token's subject.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	token, ok := guard.From(r.Context())
	if !ok {
		http.Error(w, "no token in the context", http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, token.Subject)
})

// get sends a request with the given Authorization header fields.
func get(h http.Handler, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wellFormed is a token that no server knows.
var wellFormed = "dfoe_" + strings.Repeat("A", 43)
