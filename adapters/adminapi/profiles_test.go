package adminapi_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

// get asks for what is not JSON.
func (s *fixture) get(target string, header http.Header) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr, r.Header = "192.0.2.7:1234", header
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r)
	s.described(r, w)
	return w
}

func TestProfilesAreForAdministrators(t *testing.T) {
	s := newFixture(t)
	ann := http.Header{"Authorization": {"Bearer " + s.ann.Reveal()}}
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"} {
		if got := s.get("/admin/v1/pprof/"+name, ann); got.Code != http.StatusOK || !bytes.HasPrefix(got.Body.Bytes(), []byte("\x1f\x8b")) {
			t.Errorf("%s: got %d and %.20q, want a profile", name, got.Code, got.Body)
		}
	}
	if got := s.get("/admin/v1/pprof/profile?seconds=1", ann); got.Code != http.StatusOK || !bytes.HasPrefix(got.Body.Bytes(), []byte("\x1f\x8b")) {
		t.Errorf("profile: got %d and %.100q, want one", got.Code, got.Body)
	}
	for _, header := range []http.Header{{}, {"Authorization": {"Bearer nonsense"}}} {
		if got := s.get("/admin/v1/pprof/heap", header); got.Code != http.StatusUnauthorized {
			t.Errorf("%v: got %d, want 401", header, got.Code)
		}
	}
	for target, want := range map[string]int{
		"GET /admin/v1/pprof/cmdline": http.StatusNotFound, "GET /admin/v1/pprof/symbol": http.StatusNotFound, "GET /admin/v1/pprof/": http.StatusNotFound,
		"GET /admin/v1/pprof/%2e%2e": http.StatusNotFound, "POST /admin/v1/pprof/heap": http.StatusMethodNotAllowed,
		"GET /admin/v1/pprof/heap?debug=1": http.StatusUnprocessableEntity, "GET /admin/v1/pprof/profile?seconds=0": http.StatusUnprocessableEntity,
		"GET /admin/v1/pprof/profile?seconds=51": http.StatusUnprocessableEntity, "GET /admin/v1/pprof/trace?seconds=x": http.StatusUnprocessableEntity,
		"GET /admin/v1/pprof/profile?seconds=": http.StatusUnprocessableEntity, "GET /admin/v1/pprof/profile?seconds=1&seconds=1": http.StatusBadRequest,
	} {
		if got := s.as(target, ""); got.Code != want {
			t.Errorf("%s: got %d, want %d", target, got.Code, want)
		}
	}
}
