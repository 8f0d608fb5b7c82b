package adminapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

func TestAChangeIsTriedPromotedAndDropped(t *testing.T) {
	s := newFixture(t)
	s.idps.Publish("https://newco.example/md", "https://newco.example", "key-1")
	s.holds(s.as("POST /admin/v1/connections", newco), http.StatusCreated)
	const at = " /admin/v1/connections/newco/shadow"
	promote := "POST" + at + "/promote"
	for _, none := range []string{"GET" + at, "DELETE" + at, promote} {
		s.refused(s.as(none, ""), http.StatusNotFound, "no_shadow")
	}
	const mail2 = `{"email_attribute":"mail2"}`
	w := s.with("PUT"+at, mail2, "If-Match", `"1"`)
	s.holds(w, http.StatusOK, `{"setting":"email_attribute","before":"","after":"mail2"}`, `"revision":1`)
	if tag := w.Header().Get("ETag"); tag != `"1"` {
		t.Errorf("got ETag %s, want 1", tag)
	}
	s.holds(s.as("GET"+at, ""), http.StatusOK, `"made_by":"ann"`, `"outdated":false`, `"compared":0`, `"differences":[]`, `"after":"mail2"`)
	s.holds(s.as("GET /admin/v1/connections/newco", ""), http.StatusOK, `"email_attribute":""`, `"revision":1`)

	for _, stale := range []string{"DELETE" + at, promote} {
		s.refused(s.with(stale, "", "If-Match", `"2"`), http.StatusPreconditionFailed, "connection_changed")
		s.refused(s.with(stale, "", "If-Match", "1"), http.StatusBadRequest, "invalid_request")
		s.refused(s.as(stale+"?dry_run=true", ""), http.StatusUnprocessableEntity, "invalid_param")
	}
	s.refused(s.with("PUT"+at, mail2, "If-Match", `"2"`), http.StatusPreconditionFailed, "connection_changed")
	s.refused(s.with("PUT"+at, mail2, "If-Match", `W/"1"`), http.StatusBadRequest, "invalid_request")
	s.refused(s.as("PUT"+at, `{"slug":"other"}`), http.StatusBadRequest, "invalid_request")
	s.refused(s.as("PUT"+at, ""), http.StatusBadRequest, "invalid_request")
	s.refused(s.as("PUT"+at, `{}`), http.StatusBadRequest, "nothing_to_change")
	s.refused(s.as("PUT"+at, `{"acs_mount":"nowhere"}`), http.StatusUnprocessableEntity, "invalid_connection")
	s.refused(s.as("PUT /admin/v1/connections/nope/shadow", mail2), http.StatusNotFound, "unknown_connection")
	s.refused(s.as("GET /admin/v1/connections/nope/shadow", ""), http.StatusNotFound, "unknown_connection")
	s.refused(s.as("PUT /admin/v1/connections/acme/shadow", mail2), http.StatusConflict, "connection_in_file")
	s.refused(s.as("GET /admin/v1/connections/acme/shadow", ""), http.StatusNotFound, "no_shadow")

	w = s.with(promote, "", "If-Match", `"1"`)
	s.holds(w, http.StatusOK, `"after":"mail2"`, `"revision":2`)
	if tag := w.Header().Get("ETag"); tag != `"2"` {
		t.Errorf("got ETag %s, want 2", tag)
	}
	s.holds(s.as("GET /admin/v1/connections/newco", ""), http.StatusOK, `"email_attribute":"mail2"`)
	s.refused(s.as("GET"+at, ""), http.StatusNotFound, "no_shadow")

	s.holds(s.as("PUT"+at, `{"email_attribute":"mail3"}`), http.StatusOK)
	s.holds(s.as("PATCH /admin/v1/connections/newco", `{"name":"NewCo"}`), http.StatusOK)
	s.holds(s.as("GET"+at, ""), http.StatusOK, `"outdated":true`)
	s.refused(s.as(promote, ""), http.StatusPreconditionFailed, "connection_changed")
	s.holds(s.with("DELETE"+at, "", "If-Match", `"2"`), http.StatusOK, `{"slug":"newco"}`)

	for kind, want := range map[audit.Kind]int{audit.ConnectionShadowed: 2, audit.ConnectionShadowDropped: 2, audit.ConnectionEdited: 2} {
		var found []audit.Event
		if err := s.Store.View(t.Context(), func(ctx context.Context, r ports.Reader) (err error) {
			found, err = r.Audit().Events(ctx, ports.AuditFilter{Kind: kind})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			if e.Actor != audit.AdminOf("ann") || !e.Origin.IP.IsValid() || e.Connection != "newco" {
				t.Errorf("got %+v, want ann, her address and the connection", e)
			}
		}
		if len(found) != want {
			t.Errorf("%s: got %d events, want %d", kind, len(found), want)
		}
	}
}
