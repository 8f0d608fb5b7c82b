package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

// TestCaddyProtectsAnAPI runs the configuration of docs/integrators.md (F38).
func TestCaddyProtectsAnAPI(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	stop := w.serve()
	runs, fulls := services.Port(t), services.Port(t)
	listening := func(port int) string {
		return strings.NewReplacer(
			"api.example.com", fmt.Sprintf("http://localhost:%d", port), "devicegate:8080", fmt.Sprintf("localhost:%d", w.port), "api:9000", toyAPI(t),
		).Replace(documented(t, "Caddy", "caddyfile"))
	}
	services.Caddy(t, fmt.Sprintf("localhost:%d", runs), listening(runs)+"\n"+strings.Replace(listening(fulls), "scope=apps:run", "scope=full", 1))
	api := fmt.Sprintf("http://localhost:%d/items?scope=admin", runs)

	token, bearer := w.aliceLogsIn()

	resp, _ := asks(t, "GET", api, "", nil)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api"`)
	resp, _ = asks(t, "GET", fmt.Sprintf("http://localhost:%d/items", fulls), "", bearer)
	refuses(t, resp, http.StatusForbidden, "WWW-Authenticate", `Bearer realm="api", error="insufficient_scope", scope="full"`)

	resp, got := asks(t, "POST", api, "name=x", bearer)
	if resp.StatusCode != http.StatusOK || got.Method != "POST" || got.URI != "/items?scope=admin" || got.Body != "name=x" || got.Header.Get("Authorization") != "" {
		t.Fatalf("got %s, and %+v arrived, want the request as it was sent, without the token", resp.Status, got)
	}
	identity := identityOf(got)
	if len(identity) != 7 || identity["X-Auth-Request-Email"] != "alice@acme.example" || identity["X-Auth-Request-Token-Id"] != token.TokenID {
		t.Errorf("got %v, want the identity of the token", identity)
	}
	resp, got = asks(t, "GET", api, "", forgeries(bearer, identity))
	if resp.StatusCode != http.StatusOK || !maps.Equal(identityOf(got), identity) {
		t.Errorf("got %s, and the API is told %v, want %v", resp.Status, identityOf(got), identity)
	}

	protectsEveryMethod(t, api, bearer)
	w.refusesWhatEnded(t, api, token, bearer, stop, http.StatusBadGateway)
}

// forgeries are a request's headers with an identity beside the token, in every
// spelling that an API may take for ours. Its Connection header asks proxies to
// drop the true ones.
func forgeries(bearer http.Header, identity map[string]string) http.Header {
	forged := bearer.Clone()
	forged["X-Forwarded-Uri"] = []string{"/other"}
	forged["Connection"] = []string{strings.Join(slices.Collect(maps.Keys(identity)), ", ")}
	for name := range identity {
		forged[name] = []string{"forged", "twice"}
		forged[strings.ToLower(name)] = []string{"forged"}
		rest := strings.TrimPrefix(name, "X-Auth-Request")
		for _, prefix := range []string{"X_Auth_Request", "X_Auth-Request", "X-Auth_Request", "x-auth_request", "X_auth_request", "X.Auth.Request", "X.Auth-Request", "X-Auth.Request"} {
			forged[prefix+rest] = []string{"forged"}
			forged[prefix+strings.ReplaceAll(rest, "-", "_")] = []string{"forged"}
		}
		for _, blank := range []string{"_", "."} {
			forged["X-Auth-Request"+strings.ReplaceAll(rest, "-", blank)] = []string{"forged"}
		}
	}
	for _, name := range []string{"X-Auth-Request-Groups", "X-Auth-Request-Admin", "x-auth-request-", "X-Auth-Request-Preferred-Username"} {
		forged[name] = []string{"forged"}
	}
	return forged
}
