package adminapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
)

func TestAdministratorsConfigureClients(t *testing.T) {
	s := newFixture(t)
	with := func(line, body string, header ...string) *httptest.ResponseRecorder {
		t.Helper()
		h := http.Header{"Authorization": {"Bearer " + s.ann.Reveal()}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return s.send(line, body, h)
	}
	for _, c := range []struct {
		line, body string
		header     []string
		status     int
		want       string // in the answer
	}{
		{"POST /admin/v1/clients", `{"id":"cli","name":"CLI","token_ttl":"90m","scopes":["orders:read"]}`, nil, 201, `"token_ttl":"1h30m0s"`},
		{"POST /admin/v1/clients", `{"id":"cli"}`, nil, 409, "client_exists"},
		{"POST /admin/v1/clients", `{"id":"x","nmae":"X"}`, nil, 400, "nmae"},
		{"POST /admin/v1/clients", `{"id":"x","name":"<b>","token_ttl":"-1h","icon":"PHNjcmlwdC8+"}`, nil, 400, "icon: "},
		{"POST /admin/v1/clients", `{"id":"x","name":"<b>","token_ttl":"-1h"}`, nil, 400, "name: "},
		{"POST /admin/v1/clients", `{"id":"x","scopes":["orders:read full"]}`, nil, 400, "scopes: "},
		{"POST /admin/v1/clients", `{"id":"x","scopes":[""]}`, nil, 400, "scopes: "},
		{"POST /admin/v1/clients", `{"id":"x","icon":"!!!"}`, nil, 400, "base64"},
		{"POST /admin/v1/clients", "id=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, "Content-Type: application/json"},
		{"GET /admin/v1/clients/cli", "", nil, 200, `"version":1`},
		{"GET /admin/v1/clients/none", "", nil, 404, "unknown_client"},
		{"PATCH /admin/v1/clients/cli", `{"publisher":"Dify"}`, []string{"If-Match", `"1"`}, 200, `"name":"CLI"`},
		{"PATCH /admin/v1/clients/cli", `{"publisher":"X"}`, []string{"If-Match", `"1"`}, 412, "version_mismatch"},
		{"PATCH /admin/v1/clients/cli", `{"id":"other"}`, nil, 400, "invalid_request"},
		{"PATCH /admin/v1/clients/none", `{"name":"X"}`, nil, 404, "unknown_client"},
		{"PATCH /admin/v1/clients/difyctl", `{"suspended":true,"revoke":true}`, nil, 200, `"revoked":{"tokens":0,"devices":0}`},
		{"GET /admin/v1/clients", "", nil, 200, `"source":"environment"`},
		{"GET /admin/v1/clients?limit=1", "", nil, 200, `"has_more":true`},
		{"DELETE /admin/v1/clients/difyctl", "", nil, 409, "client_in_environment"},
		{"DELETE /admin/v1/clients/cli", "", []string{"If-Match", `"7"`}, 412, "version_mismatch"},
		{"DELETE /admin/v1/clients/cli?revoke=true", "", nil, 200, "removed"},
		{"DELETE /admin/v1/clients/cli", "", nil, 404, "unknown_client"},
	} {
		if w := with(c.line, c.body, c.header...); w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %d with %s", c.line, c.body, w.Code, w.Body, c.status, c.want)
		}
	}
	if got := with("GET /admin/v1/clients/difyctl", "").Header().Get("ETag"); got != `"1"` {
		t.Errorf("got the ETag %s, want the version", got)
	}
	for _, kind := range []audit.Kind{audit.ClientAdded, audit.ClientChanged, audit.ClientRemoved} {
		if s.Count(t, kind) == 0 {
			t.Errorf("got no event %s, want one", kind)
		}
	}
}
