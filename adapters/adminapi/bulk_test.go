package adminapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/ports"
)

// lateWriter notes until when it may be written to.
type lateWriter struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *lateWriter) SetWriteDeadline(at time.Time) error {
	w.until = at
	return nil
}

func TestTheAnswerOfARevocationMayComeLate(t *testing.T) {
	s := newFixture(t)
	for _, c := range []struct {
		line, body string
		late       bool
	}{
		{"POST /admin/v1/tokens/revoke", `{"all":true,"dry_run":false}`, true},
		{"PATCH /admin/v1/clients/difyctl", `{"suspended":true,"revoke":true}`, true},
		{"PATCH /admin/v1/clients/difyctl", `{"suspended":false}`, false},
		{"DELETE /admin/v1/clients/tv?revoke=true", "", true},
		{"GET /admin/v1/tokens", "", false},
	} {
		method, target, _ := strings.Cut(c.line, " ")
		r := httptest.NewRequest(method, target, strings.NewReader(c.body))
		r.RemoteAddr = "192.0.2.7:1234"
		r.Header = http.Header{"Authorization": {"Bearer " + s.ann.Reveal()}}
		w := &lateWriter{ResponseRecorder: httptest.NewRecorder()}
		before := time.Now()
		s.router.ServeHTTP(w, r)
		if got := w.until.After(before.Add(ports.BulkTime)); got != c.late {
			t.Errorf("%s: got %d with the deadline %s, want a late one: %t", c.line, w.Code, w.until, c.late)
		}
	}
}
