package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestAProcessThatEndsWantsNoMoreWorkButServesWhatComes(t *testing.T) { // O08
	s := newFixture(t, options{})
	s.operations.Drain()
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK, "/openapi/v1/_version": http.StatusOK} {
		if w := s.send(ask{line: "GET " + path}); w.Code != want {
			t.Errorf("%s answers %d, want %d", path, w.Code, want)
		}
	}
	if logged := s.log.String(); strings.Contains(logged, "ERROR") {
		t.Errorf("got %s, want no error for a probe during the drain", logged)
	}
}

func TestReadinessTellsDetails(t *testing.T) { // F53
	s := newFixture(t, options{})
	s.operations.ReportAlso("redis", func() string { return "refusing" })
	if w := s.send(ask{line: "GET /readyz"}); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"redis":"refusing","status":"ok"}` {
		t.Errorf("got %d %s, want 200 with redis refusing", w.Code, w.Body)
	}
}

func TestMonitorsMayAskWithHEAD(t *testing.T) {
	s := newFixture(t, options{})
	for _, path := range []string{"/healthz", "/readyz", "/.well-known/oauth-authorization-server", "/saml/metadata"} {
		if w := s.send(ask{line: "HEAD " + path}); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: got %d, want 200", path, w.Code)
		}
	}
}

func TestTheBareAddressLeadsPeopleToThePage(t *testing.T) {
	s := newFixture(t, options{})
	w := s.send(ask{line: "GET /", header: http.Header{"Accept": {"text/html"}}})
	if w.Code != http.StatusFound || w.Header().Get("Location") != "https://sso.example.com/device" {
		t.Errorf("got %d to %s, want 302 to /device", w.Code, w.Header().Get("Location"))
	}
	below := newFixture(t, options{public: "https://sso.example.com/gate"})
	for _, path := range []string{"/", "/gate", "/gate/"} {
		w := below.send(ask{line: "GET " + path, header: http.Header{"Accept": {"text/html"}}})
		if w.Code != http.StatusFound || w.Header().Get("Location") != "https://sso.example.com/gate/device" {
			t.Errorf("%s: got %d to %s, want 302 to /gate/device", path, w.Code, w.Header().Get("Location"))
		}
	}
	if w := s.send(ask{line: "GET /"}); w.Code != http.StatusNotFound {
		t.Errorf("an API client: got %d, want 404", w.Code)
	}
}
