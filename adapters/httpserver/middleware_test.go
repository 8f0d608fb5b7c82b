package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func middleware(t *testing.T, cfg httpserver.Config) *httpserver.Middleware {
	t.Helper()
	return httpserver.NewMiddleware(httpserver.NewClientAddress(cfg), httpserver.NewSecurityHeaders(cfg))
}

func TestOnlyATrustedProxyChoosesTheRequestID(t *testing.T) {
	m := middleware(t, config(t, "https://sso.example.com", "https://sso.example.com", "10.0.0.0/8"))
	idOf := func(peer, id string) string {
		var inside string
		w := httptest.NewRecorder()
		m.Wrap(m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			inside = httpserver.RequestID(r.Context())
		}))).ServeHTTP(w, request(peer, "X-Request-Id", id))
		if got := w.Header().Get("X-Request-Id"); got != inside || got == "" {
			t.Errorf("the response has the id %q, want %q", got, inside)
		}
		return inside
	}
	if got := idOf("10.0.0.1:1", "proxy-request-1"); got != "proxy-request-1" {
		t.Errorf("got %s, want the id of the trusted proxy", got)
	}
	for _, id := range []string{"", "short", strings.Repeat("x", 65), "with blanks", "\"quoted\"", "line\nend"} {
		if got := idOf("10.0.0.1:1", id); got == id {
			t.Errorf("got the request id %q of the proxy, want another", id)
		}
	}
	if got := idOf("192.0.2.7:1", "chosen-by-a-client"); got == "chosen-by-a-client" {
		t.Errorf("got the request id %q of a client, want another", got)
	}
}

func TestTheContextOutlivesTheClientsHalfOfTheConnection(t *testing.T) { // F36
	m := middleware(t, config(t, "https://sso.example.com", "https://sso.example.com"))
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	cancel()
	m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.Context().Err(); err != nil {
			t.Errorf("got %v, want a context that goes on", err)
		}
		if got := r.Context().Value(key{}); got != "value" {
			t.Errorf("got %v, want the values of the connection's context", got)
		}
		bounded, cancel := context.WithCancel(r.Context())
		cancel()
		if !errors.Is(bounded.Err(), context.Canceled) {
			t.Errorf("got %v for a context that was cancelled, want %v", bounded.Err(), context.Canceled)
		}
	})).ServeHTTP(httptest.NewRecorder(), request("192.0.2.7:1").WithContext(ctx))
}

// A router behind the middleware finds its own state in the request's context, and
// what stands between the two can read the route afterwards.
func TestARouterBehindTheMiddlewareCopiesNoRequest(t *testing.T) {
	m := middleware(t, config(t, "https://sso.example.com", "https://sso.example.com"))
	router := chi.NewRouter()
	var outer, inner *http.Request
	router.Get("/sessions/{id}", func(_ http.ResponseWriter, r *http.Request) {
		inner = r
		if got := chi.URLParam(r, "id"); got != "7" {
			t.Errorf("got the parameter %q, want 7", got)
		}
	})
	m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer = r
		router.ServeHTTP(w, r)
		if got := chi.RouteContext(r.Context()).RoutePattern(); got != "/sessions/{id}" {
			t.Errorf("got the route %q, want /sessions/{id}", got)
		}
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/sessions/7", nil))
	if inner != outer || inner == nil {
		t.Errorf("got the request %p, want %p itself", inner, outer)
	}
}

func TestStrictTransportSecurityNeedsHTTPS(t *testing.T) { // F55
	for _, test := range []struct {
		public string
		hsts   bool
		want   string
	}{
		{"https://sso.example.com", true, "max-age=31536000"},
		{"https://sso.example.com", false, ""},
		{"http://sso.example.com", true, ""},
	} {
		cfg := config(t, test.public, test.public)
		cfg.HSTS = test.hsts
		w := httptest.NewRecorder()
		middleware(t, cfg).Wrap(http.NotFoundHandler()).ServeHTTP(w, request("192.0.2.7:1"))
		if got := w.Header().Get("Strict-Transport-Security"); got != test.want {
			t.Errorf("%s, HSTS %t: got %q, want %q", test.public, test.hsts, got, test.want)
		}
	}
}

func TestAPanicBecomesAnError(t *testing.T) {
	serve := func(cause any) func(http.ResponseWriter, *http.Request) error {
		return func(http.ResponseWriter, *http.Request) error { panic(cause) }
	}
	err := httpserver.Recover(serve("a defect"), httptest.NewRecorder(), request("192.0.2.7:1"))
	if err == nil || !strings.Contains(err.Error(), "a defect") || !strings.Contains(err.Error(), "middleware_test.go") {
		t.Errorf("got %v, want the cause and where it was", err)
	}
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("got %v, want net/http's own way to abort", got)
		}
	}()
	_ = httpserver.Recover(serve(http.ErrAbortHandler), httptest.NewRecorder(), request("192.0.2.7:1"))
}
