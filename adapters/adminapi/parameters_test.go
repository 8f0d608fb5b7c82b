package adminapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

var pathParameter = regexp.MustCompile(`\{[a-z]+\}`)

// TestEveryRouteRefusesParametersThatItDoesNotKnow walks the router, so that no
// new route is left out. A parameter that is not read, such as dry_run at a route
// without it, would do what its sender did not ask for.
func TestEveryRouteRefusesParametersThatItDoesNotKnow(t *testing.T) {
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	s := newFixture(t)
	err = chi.Walk(s.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		line := method + " " + pathParameter.ReplaceAllString(route, "heap")
		s.refused(s.as(line+"?unheard_of=1", ""), http.StatusUnprocessableEntity, "invalid_param")
		s.refused(s.as(line+"?page=%zz", ""), http.StatusBadRequest, "invalid_request")
		path := doc.Paths.Value(route)
		if path == nil || path.GetOperation(method) == nil {
			t.Errorf("got no operation for %s %s, want it in docs/openapi-admin.yaml", method, route)
			return nil
		}
		for _, parameter := range path.GetOperation(method).Parameters {
			if name := parameter.Value.Name; parameter.Value.In == "query" && name != "seconds" {
				s.refused(s.as(line+"?"+name+"=1&"+name+"=2", ""), http.StatusBadRequest, "invalid_request")
				if w := s.as(line+"?"+name+"=1", ""); strings.Contains(w.Body.String(), "can be given here") {
					t.Errorf("%s: got %s for %s, want it taken, as docs/openapi-admin.yaml has it", line, w.Body, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFlagsAreTrueOrFalse(t *testing.T) {
	s := newFixture(t)
	for _, line := range []string{
		"GET /admin/v1/tokens?ended=", "GET /admin/v1/jobs?all=", "DELETE /admin/v1/clients/tv?revoke=",
		"POST /admin/v1/connections?dry_run=", "PATCH /admin/v1/connections/acme?dry_run=", "DELETE /admin/v1/connections/acme?dry_run=",
	} {
		for _, value := range []string{"", "yes", "True", "1"} {
			s.refused(s.as(line+value, "{}"), http.StatusUnprocessableEntity, "invalid_param")
		}
	}
}
