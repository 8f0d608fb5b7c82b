package adminapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// withPair gives the installation its first pair, as serve does.
func (s *fixture) withPair() {
	s.t.Helper()
	first := func() (spkeys.Pair, string, error) {
		pair, err := spkeys.Generate(s.Clock.Now())
		return pair, "made", err
	}
	if err := application.NewPrepareKeys(s.Store, first, s.Clock.Now).Execute(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// roles are those that an answer names.
func roles(t *testing.T, body []byte) string {
	t.Helper()
	var got struct {
		Data, Keys []struct{ Role string }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, one := range append(got.Data, got.Keys...) {
		all = append(all, one.Role)
	}
	return strings.Join(all, " ")
}

func TestAdministratorsRotateKeys(t *testing.T) {
	s := newFixture(t)
	s.refused(s.as("GET /admin/v1/keys", ""), http.StatusNotFound, "no_keys")
	s.refused(s.as("POST /admin/v1/keys/add-next", ""), http.StatusNotFound, "no_keys")
	s.withPair()
	first := s.as("GET /admin/v1/keys", "").Header().Get("ETag")
	for _, c := range []struct {
		line, body string
		status     int
		want       string // in the answer
		roles      string
	}{
		{"GET /admin/v1/keys", "", 200, `"has_more":false`, "active"},
		{"POST /admin/v1/keys/promote", `{"dry_run":false}`, 409, "no_next_key", ""},
		{"POST /admin/v1/keys/add-next", `{"early":true}`, 400, "invalid_request", ""},
		{"POST /admin/v1/keys/add-next", `{"dry_run":true}`, 200, `"dry_run":true`, "active next"},
		{"GET /admin/v1/keys", "", 200, `"total":1`, "active"},
		{"POST /admin/v1/keys/add-next", "", 201, "BEGIN CERTIFICATE", "active next"},
		{"POST /admin/v1/keys/add-next", `{"dry_run":false}`, 409, "next_key_exists", ""},
		{"GET /admin/v1/keys?limit=1", "", 200, `"has_more":true`, "active"},
		{"GET /admin/v1/keys?limit=1&page=2", "", 200, `"has_more":false`, "next"},
		{"GET /admin/v1/keys?role=next", "", 422, "invalid_param", ""},
		{"POST /admin/v1/keys/promote", `{"dry_run":false}`, 409, "next_key_too_fresh", ""},
		{"POST /admin/v1/keys/promote", `{"role":"next"}`, 400, "invalid_request", ""},
		{"POST /admin/v1/keys/promote", `{"early":true}`, 200, `"dry_run":true`, "active previous"},
		{"POST /admin/v1/keys/promote?early=true", "", 422, "invalid_param", ""},
		{"POST /admin/v1/keys/promote", `{"early":true,"dry_run":false}`, 200, `"dry_run":false`, "active previous"},
		{"POST /admin/v1/keys/retire", `{"role":"active","dry_run":false}`, 400, "invalid_request", ""},
		{"POST /admin/v1/keys/retire", `{"early":true}`, 400, "invalid_request", ""},
		{"POST /admin/v1/keys/retire", `{"role":"next"}`, 409, "no_such_key", ""},
		{"POST /admin/v1/keys/retire", "", 200, `"dry_run":true`, "active"},
		{"POST /admin/v1/keys/retire", `{"dry_run":false}`, 200, `"dry_run":false`, "active"},
	} {
		w := s.as(c.line, c.body)
		s.holds(w, c.status, c.want)
		if c.roles != "" {
			if got := roles(t, w.Body.Bytes()); got != c.roles {
				t.Errorf("%s %s: got the pairs %q, want %q", c.line, c.body, got, c.roles)
			}
		}
		if strings.Contains(w.Body.String(), "PRIVATE") {
			t.Errorf("%s: got a private key, want none", c.line)
		}
		s.Clock.Advance(time.Second)
	}
	s.refused(s.with("POST /admin/v1/keys/add-next", `{"dry_run":false}`, "If-Match", first), http.StatusPreconditionFailed, "keys_changed")
	s.refused(s.with("POST /admin/v1/keys/add-next", `{"dry_run":false}`, "If-Match", "bare"), http.StatusBadRequest, "invalid_request")
	now := s.as("GET /admin/v1/keys", "").Header().Get("ETag")
	w := s.with("POST /admin/v1/keys/add-next", `{"dry_run":false}`, "If-Match", now)
	s.holds(w, http.StatusCreated)
	if got, want := w.Header().Get("ETag"), s.as("GET /admin/v1/keys", "").Header().Get("ETag"); got != want || got == now {
		t.Errorf("got the ETag %s, want %s, another one than before", got, want)
	}
	for _, kind := range []audit.Kind{audit.KeyAdded, audit.KeyPromoted, audit.KeyRetired} {
		found := false
		for _, e := range s.AuditEvents(t) {
			found = found || e.Kind == kind && e.Actor == audit.AdminOf("ann") && e.Origin.IP.IsValid()
		}
		if !found {
			t.Errorf("got no event %s of ann with her address, want one", kind)
		}
	}
}

func TestKeysInFilesAreRotatedThere(t *testing.T) {
	s := newFixture(t)
	s.RotateKeys = application.NewRotateKeys(s.Store, true, s.Clock.Now)
	s.serveAnn()
	for _, line := range []string{"GET /admin/v1/keys", "POST /admin/v1/keys/add-next", "POST /admin/v1/keys/promote", "POST /admin/v1/keys/retire"} {
		w := s.as(line, "")
		s.refused(w, http.StatusConflict, "keys_in_files")
		s.holds(w, http.StatusConflict, "SAML_SP_KEY_FILE")
	}
}
