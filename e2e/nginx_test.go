package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

// documented returns the first block of a language below a heading of
// docs/integrators.md.
func documented(t *testing.T, heading, language string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/integrators.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n### ")
	_, after, opened := strings.Cut(section, "```"+language+"\n")
	block, _, ended := strings.Cut(after, "\n```")
	if !found || !opened || !ended {
		t.Fatalf("docs/integrators.md: got no block of %s below %s, want one", language, heading)
	}
	return block
}

// arrived is a request as an API gets it.
type arrived struct {
	Method, URI, Body string
	Header            http.Header
}

// toyAPI answers each request with what arrived.
func toyAPI(t *testing.T) (addr string) {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(arrived{r.Method, r.RequestURI, string(body), r.Header})
	}))
	t.Cleanup(api.Close)
	return api.Listener.Addr().String()
}

// asks sends a request to a protected API. What arrived there is zero if the
// request did not get through.
func asks(t *testing.T, method, address, body string, header http.Header) (*http.Response, arrived) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got arrived
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK && method != http.MethodHead {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatalf("got %v, want JSON: %s", err, text)
	}
	return resp, got
}

func refuses(t *testing.T, resp *http.Response, status int, header, want string) {
	t.Helper()
	if got := resp.Header.Values(header); resp.StatusCode != status || !slices.Equal(got, []string{want}) {
		t.Errorf("got %d and %s %q, want %d and %q", resp.StatusCode, header, got, status, want)
	}
}

// TestNginxProtectsAnAPI runs the configuration of docs/integrators.md.
func TestNginxProtectsAnAPI(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	stop := w.serve()
	runs, fulls := services.Port(t), services.Port(t)
	site := strings.NewReplacer("127.0.0.1:9000", toyAPI(t), "127.0.0.1:8080", fmt.Sprintf("localhost:%d", w.port)).Replace(documented(t, "nginx", "nginx"))
	listening := func(port int) string {
		return strings.Replace(site, "listen 8443", fmt.Sprintf("listen localhost:%d", port), 1)
	}
	services.Nginx(t, fmt.Sprintf("localhost:%d", runs), listening(runs)+strings.Replace(listening(fulls), "scope=apps:run", "scope=full", 1))
	api := fmt.Sprintf("http://localhost:%d/items?scope=admin", runs)

	token, bearer := w.aliceLogsIn()

	resp, _ := asks(t, "GET", api, "", nil)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api"`)
	resp, _ = asks(t, "GET", api+"&access_token="+token.AccessToken, "", nil)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api"`)
	resp, _ = asks(t, "GET", api, "", http.Header{"Authorization": {"Bearer " + token.AccessToken + "x"}})
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
	resp, _ = asks(t, "GET", fmt.Sprintf("http://localhost:%d/items", fulls), "", bearer)
	refuses(t, resp, http.StatusForbidden, "WWW-Authenticate", `Bearer realm="api", error="insufficient_scope", scope="full"`)

	resp, got := asks(t, "POST", api, "name=x", bearer)
	if resp.StatusCode != http.StatusOK || got.Method != "POST" || got.URI != "/items?scope=admin" || got.Body != "name=x" {
		t.Fatalf("got %s, and %+v arrived, want the request as it was sent", resp.Status, got)
	}
	identity := identityOf(got)
	if len(identity) != 7 || identity["X-Auth-Request-Email"] != "alice@acme.example" || identity["X-Auth-Request-Client"] != "difyctl" ||
		identity["X-Auth-Request-Token-Id"] != token.TokenID || len(identity["X-Auth-Request-User"]) != 43 {
		t.Errorf("got %v, want the identity of the token", identity)
	}

	resp, got = asks(t, "GET", api, "", forgeries(bearer, identity))
	if resp.StatusCode != http.StatusOK || !maps.Equal(identityOf(got), identity) {
		t.Errorf("got %s, and the API is told %v, want %v", resp.Status, identityOf(got), identity)
	}
	protectsEveryMethod(t, api, bearer)
	resp, _ = asks(t, "GET", api, "", http.Header{"X-Auth-Request-User": {"forged"}, "X-Auth-Request-Email": {"alice@acme.example"}})
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api"`)

	if _, err := http.PostForm(w.public+"/oauth2/revoke", map[string][]string{"token": {token.AccessToken}}); err != nil {
		t.Fatal(err)
	}
	resp, _ = asks(t, "GET", api, "", bearer)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
	stop()
	resp, _ = asks(t, "GET", api, "", bearer)
	refuses(t, resp, http.StatusServiceUnavailable, "Retry-After", "5")
}

// identityName matches our headers as CGI and PHP read names, which takes "_" and
// "." for "-".
var identityName = regexp.MustCompile("(?i)^x[^a-z0-9]auth[^a-z0-9]request")

// identityOf returns every header by which an API may be told whom a token acts
// for, however it is spelt.
func identityOf(a arrived) map[string]string {
	found := map[string]string{}
	for name, values := range a.Header {
		if identityName.MatchString(name) {
			found[name] = strings.Join(values, ", ")
		}
	}
	return found
}

// TestNginxMayStripThePathOfThePublicURL runs all rules through a proxy that
// removes the path before it passes requests on.
func TestNginxMayStripThePathOfThePublicURL(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.behindNginx()
	w.Env["OPENAPI_KNOWN_CLIENT_IDS"] = "difyctl,other"
	w.Env["INTROSPECTION_CLIENTS"] = "api:" + introspectionSecret
	w.serve()
	w.passes(w.conforms(http.DefaultTransport))
}

// behindNginx gives PUBLIC_URL a path that a real nginx removes.
func (w *fixture) behindNginx() {
	w.t.Helper()
	port := services.Port(w.t)
	w.public = fmt.Sprintf("http://localhost:%d/gate", port)
	w.Env["PUBLIC_URL"] = w.public
	services.Nginx(w.t, fmt.Sprintf("localhost:%d", port), fmt.Sprintf(`server {
		listen localhost:%[1]d;
		location /gate/ {
			proxy_pass http://localhost:%[2]d/;
			proxy_set_header X-Forwarded-For $remote_addr;
		}
		location /.well-known/ { proxy_pass http://localhost:%[2]d; }
	}`, port, w.port))
}

// directlyAndBehindNginx runs a journey at a service, and through an nginx that
// removes the path of its PUBLIC_URL. The journey starts the service.
func directlyAndBehindNginx(t *testing.T, journey func(t *testing.T, w *fixture)) {
	t.Run("directly", func(t *testing.T) {
		t.Parallel()
		journey(t, embeddedWorld(t))
	})
	t.Run("behind nginx", func(t *testing.T) {
		t.Parallel()
		w := embeddedWorld(t)
		w.behindNginx()
		journey(t, w)
	})
}
