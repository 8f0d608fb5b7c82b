package adminapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/quota"
)

func TestWhoamiAnswersTheAdministratorsName(t *testing.T) {
	s := newFixture(t)
	w := s.as("GET /admin/v1/whoami", "")
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"name":"ann"}` {
		t.Errorf("got %d %s, want ann", w.Code, w.Body)
	}
	if w.Header().Get("RateLimit-Remaining") != "599" {
		t.Errorf("got %q requests left, want 599", w.Header().Get("RateLimit-Remaining"))
	}
	if !strings.Contains(s.log.String(), `"administrator":"ann"`) {
		t.Errorf("got the log %s, want the administrator's name in it", &s.log)
	}
}

func TestRequestsWithoutAnAdministratorsToken(t *testing.T) {
	s := newFixture(t)
	good := "Bearer " + s.ann.Reveal()
	_, foreign := administrator.NewCredential(administrator.Name{})
	for what, c := range map[string]struct {
		headers []string
		want    string
	}{
		"no credential":       {nil, "unauthorized"},
		"an empty one":        {[]string{" "}, "unauthorized"},
		"another scheme":      {[]string{"Basic " + s.ann.Reveal()}, "unauthorized"},
		"no scheme":           {[]string{s.ann.Reveal()}, "unauthorized"},
		"a token unknown":     {[]string{"Bearer " + foreign.Reveal()}, "invalid_token"},
		"a token cut short":   {[]string{good[:len(good)-1]}, "invalid_token"},
		"a person's token":    {[]string{"Bearer dfoe_" + strings.Repeat("a", 43)}, "invalid_token"},
		"the hash, not token": {[]string{"Bearer " + s.ann.Digest().Hex()}, "invalid_token"},
		"two credentials":     {[]string{good, good}, "invalid_token"},
		"two tokens in one":   {[]string{good + " " + s.ann.Reveal()}, "invalid_token"},
	} {
		for _, line := range []string{"GET /admin/v1/whoami", "POST /admin/v1/whoami", "GET /admin/v1/nothing", "GET /elsewhere"} {
			w := s.send(line, "", http.Header{"Authorization": c.headers})
			t.Log(what)
			s.refused(w, http.StatusUnauthorized, c.want)
			if w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s: got no WWW-Authenticate, want one", what)
			}
		}
	}
	s.refused(s.send("GET /admin/v1/whoami?access_token="+s.ann.Reveal(), "", http.Header{}), http.StatusUnauthorized, "unauthorized")
}

func TestManyRefusalsOfOneAddressLimitNoAdministrator(t *testing.T) {
	s := newFixture(t)
	wrong := http.Header{"Authorization": {"Bearer dgadmin_guess"}}
	for range quota.AdminRefusals.Max {
		s.refused(s.send("GET /admin/v1/whoami", "", wrong), http.StatusUnauthorized, "invalid_token")
	}
	w := s.send("GET /admin/v1/whoami", "", wrong)
	s.refused(w, http.StatusTooManyRequests, "rate_limited")
	if w.Header().Get("Retry-After") == "" {
		t.Error("got no Retry-After, want one")
	}
	if w := s.as("GET /admin/v1/whoami", ""); w.Code != http.StatusOK {
		t.Errorf("a valid token from that address: got %d, want 200", w.Code)
	}
}

func TestAnAdministratorHasALimitOfTheirOwn(t *testing.T) {
	s := newFixture(t)
	for range quota.AdminRequests.Max {
		s.as("GET /admin/v1/whoami", "")
	}
	s.refused(s.as("GET /admin/v1/whoami", ""), http.StatusTooManyRequests, "rate_limited")
}

func TestWithoutAdministratorsTheAPIIsOff(t *testing.T) {
	s := newFixture(t)
	s.serve(administrator.Credentials{})
	w := s.as("GET /admin/v1/whoami", "")
	s.refused(w, http.StatusNotFound, "not_found")
	if !strings.Contains(w.Body.String(), "ADMIN_TOKENS") {
		t.Errorf("got %s, want what to do next", w.Body)
	}
}

func TestUnknownAddressesAreNotFound(t *testing.T) {
	s := newFixture(t)
	s.refused(s.as("GET /admin/v1/nothing", ""), http.StatusNotFound, "not_found")
	s.refused(s.as("GET /admin/v1/whoami/", ""), http.StatusNotFound, "not_found")
	s.refused(s.as("GET /openapi/v1/_health", ""), http.StatusNotFound, "not_found")
	s.refused(s.as("GET /admin/v1/whoami?verbose=1", ""), http.StatusUnprocessableEntity, "invalid_param")
	w := s.as("DELETE /admin/v1/whoami", "")
	s.refused(w, http.StatusMethodNotAllowed, "method_not_allowed")
	if w.Header().Get("Allow") != "GET" {
		t.Errorf("got Allow %q, want GET", w.Header().Get("Allow"))
	}
}
