package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestEnvoyProtectsAnAPI holds the configuration of docs/integrators.md against an
// imitation of Envoy, which takes its settings from it.
func TestEnvoyProtectsAnAPI(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.Env["TRUSTED_PROXIES"] = proxyAddress
	stop := w.serve()
	service, toy := fmt.Sprintf("http://localhost:%d", w.port), toyAPI(t)
	api, full := newEnvoy(t, service, toy, "apps:run")+"/items?scope=admin", newEnvoy(t, service, toy, "full")+"/items"
	token, bearer := w.protectsAnAPI(t, api, full)

	// The path is appended, and cannot lead to another question.
	resp, _ := asks(t, "GET", strings.TrimSuffix(full, "/items")+"/../../-/items", "", bearer)
	refuses(t, resp, http.StatusForbidden, "WWW-Authenticate", `Bearer realm="api", error="insufficient_scope", scope="full"`)
	if resp, _ := asks(t, "GET", api, "", http.Header{"Authorization": bearer["Authorization"], "X_auth_request_user": {"forged"}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %s for a name with underscores, want 400", resp.Status)
	}
	w.refusesWhatEnded(t, api, token, bearer, stop, http.StatusServiceUnavailable)
}
