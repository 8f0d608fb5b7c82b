package adminapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// with sends a request of ann with more headers.
func (s *fixture) with(line, body string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	h := http.Header{"Authorization": {"Bearer " + s.ann.Reveal()}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return s.send(line, body, h)
}

// holds wants a status and each of these in the body.
func (s *fixture) holds(w *httptest.ResponseRecorder, status int, want ...string) {
	s.t.Helper()
	if w.Code != status {
		s.t.Errorf("got %d %s, want %d", w.Code, w.Body, status)
	}
	for _, text := range want {
		if !strings.Contains(w.Body.String(), text) {
			s.t.Errorf("got %s, want %s in it", w.Body, text)
		}
	}
}

const newco = `{"slug":"newco","domains":["newco.example"],"metadata_url":"https://newco.example/md","public":true}`

func TestConnectionsAreAddedChangedAndRemoved(t *testing.T) {
	s := newFixture(t)
	s.idps.Publish("https://newco.example/md", "https://newco.example", "key-1")
	s.holds(s.as("POST /admin/v1/connections?dry_run=true", newco), http.StatusOK, `"good":true`, `"fingerprint":"key-1"`)
	w := s.as("POST /admin/v1/connections", newco)
	s.holds(w, http.StatusCreated, `"owner":"database"`, `"revision":1`, `"changed_by":"ann"`, `"broker":"saml"`)
	if tag := w.Header().Get("ETag"); tag != `"1"` {
		t.Errorf("got ETag %s, want 1", tag)
	}
	s.refused(s.as("POST /admin/v1/connections", newco), http.StatusConflict, "connection_exists")

	s.holds(s.with("PATCH /admin/v1/connections/newco?dry_run=true", `{"name":"NewCo"}`), http.StatusOK, `"dry_run":true`, `"revision":1`)
	s.holds(s.with("PATCH /admin/v1/connections/newco", `{"name":"NewCo","public":false}`, "If-Match", `"1"`), http.StatusOK,
		`{"setting":"name","before":"newco","after":"NewCo"}`, `"revision":2`)
	stale := s.with("PATCH /admin/v1/connections/newco", `{"name":"Mine"}`, "If-Match", `"1"`)
	s.refused(stale, http.StatusPreconditionFailed, "connection_changed")
	s.holds(stale, http.StatusPreconditionFailed, "Read it again, then repeat the change with the new revision")
	s.refused(s.with("DELETE /admin/v1/connections/newco", "", "If-Match", `"1"`), http.StatusPreconditionFailed, "connection_changed")
	for _, bad := range []string{"1", `"one"`, `W/"1"`, `"1", "2"`, `"0"`} {
		s.refused(s.with("PATCH /admin/v1/connections/newco", `{"name":"Mine"}`, "If-Match", bad), http.StatusBadRequest, "invalid_request")
	}
	s.refused(s.with("PATCH /admin/v1/connections/newco", `{"slug":"other"}`), http.StatusBadRequest, "invalid_request")
	s.refused(s.as("PATCH /admin/v1/connections/nobody", `{"name":"x"}`), http.StatusNotFound, "unknown_connection")

	s.holds(s.as("GET /admin/v1/connections/newco", ""), http.StatusOK, `"name":"NewCo"`, `"entity_id":"https://newco.example"`)
	s.holds(s.as("GET /admin/v1/connections?limit=200", ""), http.StatusOK, `"has_more":false`, `"slug":"newco"`)
	s.holds(s.as("GET /admin/v1/connections?limit=1&page=2", ""), http.StatusOK, `"limit":1`, `"page":2`)
	s.holds(s.as("GET /admin/v1/connections?limit=1&page=99", ""), http.StatusOK, `"data":[]`)
	s.holds(s.as("POST /admin/v1/connections/newco/test", ""), http.StatusOK, `"good":true`)

	s.holds(s.as("DELETE /admin/v1/connections/newco?dry_run=true", ""), http.StatusOK, `"dry_run":true`)
	s.holds(s.with("DELETE /admin/v1/connections/newco", "", "If-Match", `"2"`), http.StatusOK, `"domains":["newco.example"]`)
	s.refused(s.as("GET /admin/v1/connections/newco", ""), http.StatusNotFound, "unknown_connection")

	var events []audit.Event
	if err := s.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
		events, err = r.Audit().Events(ctx, ports.AuditFilter{Connection: "newco"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	kinds := map[audit.Kind]int{}
	for _, e := range events {
		if kinds[e.Kind]++; e.Actor != audit.AdminOf("ann") || !e.Origin.IP.IsValid() {
			t.Errorf("got %+v, want ann and her address", e)
		}
	}
	if kinds[audit.ConnectionAdded] != 1 || kinds[audit.ConnectionEdited] != 1 || kinds[audit.ConnectionRemoved] != 1 {
		t.Errorf("got %v, want one event for each change", kinds)
	}
}

func TestEverythingWrongWithAConnectionIsInOneAnswer(t *testing.T) {
	s := newFixture(t)
	w := s.as("POST /admin/v1/connections", `{"slug":"New Co","domains":["acme.example","x"],"metadata_url":"https://away.example/"}`)
	s.refused(w, http.StatusUnprocessableEntity, "invalid_connection")
	s.holds(w, http.StatusUnprocessableEntity, "slug", `is not a domain`, "belongs to connection acme", "nothing is published at https://away.example/")
	s.refused(s.as("POST /admin/v1/connections", `{"slug":"a","allow_weak":["md5"]}`), http.StatusBadRequest, "invalid_request")
	s.refused(s.as("POST /admin/v1/connections?dry_run=maybe", newco), http.StatusUnprocessableEntity, "invalid_param")
}

func TestAListOfConnectionsIsApplied(t *testing.T) {
	s := newFixture(t)
	s.idps.Publish("https://newco.example/md", "https://newco.example", "key-1")
	body := func(dryRun string) string { return `{"connections":[` + newco + `]` + dryRun + `}` }
	for _, dry := range []string{"", `,"dry_run":true`} {
		s.holds(s.as("POST /admin/v1/connections/apply", body(dry)), http.StatusOK, `"dry_run":true`, `"do":"add"`)
		s.refused(s.as("GET /admin/v1/connections/newco", ""), http.StatusNotFound, "unknown_connection")
	}
	s.holds(s.as("POST /admin/v1/connections/apply", body(`,"dry_run":false`)), http.StatusOK, `"dry_run":false`, `"do":"add"`)
	s.holds(s.as("POST /admin/v1/connections/apply", body("")), http.StatusOK, `"steps":[]`, `"unchanged":1`)
	s.holds(s.as("POST /admin/v1/connections/apply", `{"connections":[]}`), http.StatusOK, `"unlisted":["newco"]`)
	s.holds(s.as("POST /admin/v1/connections/apply", `{"connections":[],"prune":true}`), http.StatusOK, `"do":"remove"`)
	s.refused(s.as("POST /admin/v1/connections/apply", `{"connections":[`+newco+`,`+newco+`]}`), http.StatusBadRequest, "invalid_request")
}

func TestMetadataIsRefreshedForAnAdministrator(t *testing.T) {
	s := newFixture(t)
	s.idps.Publish("https://newco.example/md", "https://newco.example", "key-1")
	via, err := connection.New(connection.Settings{Slug: "newco", Domains: []string{"newco.example"}, SAML: connection.SAMLSettings{MetadataURL: "https://newco.example/md"}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := connection.NewDirectory(via)
	if err != nil {
		t.Fatal(err)
	}
	s.Connections.Replace(d)
	s.holds(s.as("POST /admin/v1/connections/newco/refresh", ""), http.StatusOK, `"fetched":true`, `"key added: key-1"`)
	w := s.as("POST /admin/v1/connections/newco/refresh", "")
	s.holds(w, http.StatusOK, `"fetched":false`, "fetched again after 10s")
	var body struct {
		Metadata struct{ Keys []any } `json:"metadata_read"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body.Metadata.Keys) != 1 {
		t.Errorf("got %s, %v, want the copy that is kept", w.Body, err)
	}
}
