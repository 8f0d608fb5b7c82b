package adminapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
)

func TestAdministratorsMoveCallbacks(t *testing.T) {
	s := newFixture(t)
	unmoved := s.as("GET /admin/v1/migration/beta", "").Header().Get("ETag")
	for _, c := range []struct {
		line, body string
		status     int
		want       string // in the answer
	}{
		{"GET /admin/v1/migration", "", 200, `"connection":"beta","registered":"legacy","advertised":"legacy","state":"silent"`},
		{"GET /admin/v1/migration?limit=1", "", 200, `"has_more":true`},
		{"GET /admin/v1/migration?slug=beta", "", 422, "invalid_param"},
		{"GET /admin/v1/migration/beta", "", 200, `"needs_legacy":"its requests name the legacy callback"`},
		{"GET /admin/v1/migration/none", "", 404, "unknown_connection"},
		{"GET /admin/v1/migration/dify", "", 404, "unknown_connection"}, // no callback of ours
		{"GET /admin/v1/migration/beta/text", "", 200, `"idp":"okta"`},
		{"GET /admin/v1/migration/beta/text", "", 200, "https://sso.example.com/openapi/v1/oauth/device/sso-complete"},
		{"GET /admin/v1/migration/beta/text", "", 200, "keep the old one, which is still used"},
		{"GET /admin/v1/migration/beta/text?idp=adfs", "", 200, "Relying Party Trusts"},
		{"GET /admin/v1/migration/beta/text?idp=acme", "", 400, "Write one of: adfs, entra"},
		{"GET /admin/v1/migration/dify/text", "", 409, "no_acs"},
		{"GET /admin/v1/migration/none/text", "", 404, "unknown_connection"},
		{"POST /admin/v1/migration/none/test", "", 404, "unknown_connection"},
		{"POST /admin/v1/migration/dify/test", "", 409, "no_acs"},
		{"POST /admin/v1/migration/advance", `{}`, 400, "all_proven"},
		{"POST /admin/v1/migration/advance", `{"connections":["beta"],"all_proven":true}`, 400, "all_proven"},
		{"POST /admin/v1/migration/advance", `{"all_proven":true,"dry_run":false}`, 200, `"connections":[]`},
		{"POST /admin/v1/migration/advance", `{"connections":["beta"]}`, 409, "Connection beta: No sign-in has ended"},
		{"POST /admin/v1/migration/advance", `{"connections":["beta","none"],"unproven":true,"dry_run":false}`, 404, "Connection none: "},
		{"POST /admin/v1/migration/advance", `{"connections":["beta"],"unproven":true}`, 200, `"dry_run":true,"connections":["beta"]`},
		{"POST /admin/v1/migration/revert", `{"connections":["beta"]}`, 409, "nothing_to_move"},
		{"POST /admin/v1/migration/revert", `{}`, 400, "moved back"},
		{"POST /admin/v1/migration/close", "", 409, "Connection beta: its requests name the legacy callback"},
		{"POST /admin/v1/migration/advance", `{"connections":["beta"],"unproven":true,"dry_run":false}`, 200, `"dry_run":false,"connections":["beta"]`},
		{"GET /admin/v1/migration/beta", "", 200, `"moved_by":"ann"`},
		{"GET /admin/v1/migration/beta/text", "", 200, "The old address is no longer used"},
		{"POST /admin/v1/migration/close", `{"force":true}`, 400, "force"},
		{"POST /admin/v1/migration/close", "", 200, `{"dry_run":true,"status":"not_needed"}`},
		{"POST /admin/v1/migration/close", `{"dry_run":false}`, 200, `{"dry_run":false,"status":"not_needed"}`},
	} {
		s.holds(s.as(c.line, c.body), c.status, c.want)
		s.Clock.Advance(time.Second)
	}
	moved := s.as("GET /admin/v1/migration/beta", "").Header().Get("ETag")
	back := `{"connections":["beta"],"dry_run":false}`
	s.refused(s.with("POST /admin/v1/migration/revert", back, "If-Match", unmoved), http.StatusPreconditionFailed, "move_changed")
	s.refused(s.with("POST /admin/v1/migration/revert", `{"connections":["beta","acme"]}`, "If-Match", moved), http.StatusBadRequest, "invalid_request")
	s.holds(s.with("POST /admin/v1/migration/revert", back, "If-Match", moved), http.StatusOK, `"connections":["beta"]`)
	for _, kind := range []audit.Kind{audit.ACSMoved, audit.ACSMovedBack, audit.ACSLegacyClosed} {
		n := 0
		for _, e := range s.AuditEvents(t) {
			if e.Kind == kind && e.Actor == audit.AdminOf("ann") && e.Origin.IP.IsValid() {
				n++
			}
		}
		if n != 1 {
			t.Errorf("got %d events %s of ann with her address, want 1", n, kind)
		}
	}
}

func TestAnAdministratorMakesATestLink(t *testing.T) {
	s := newFixture(t)
	w := s.as("POST /admin/v1/migration/beta/test", "")
	var made struct{ Link string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, %v, want 201 with a link", w.Code, w.Body, err)
	}
	_, link, _ := strings.Cut(made.Link, "https://sso.example.com/saml/test?link=")
	if _, err := s.OpenTest.Look(t.Context(), acsmove.ParseLink(link), s.AuditEvents(t)[0].Origin); err != nil {
		t.Errorf("Look(%s) = %v, want no error", made.Link, err)
	}
	if strings.Contains(s.log.String(), link) {
		t.Errorf("got the link in the log, want it left out: %s", s.log.String())
	}
	s.holds(s.as("GET /admin/v1/migration/beta", ""), http.StatusOK, `"test":"not opened yet"`)
}
