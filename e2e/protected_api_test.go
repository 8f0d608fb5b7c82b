package e2e

import (
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// protectsAnAPI lets alice log in and calls an API through an imitated proxy: api
// needs a scope that her token has, full one that it has not.
func (w *fixture) protectsAnAPI(t *testing.T, api, full string) (demo.Token, http.Header) {
	t.Helper()
	token, bearer := w.aliceLogsIn()
	bearer.Set("X-Forwarded-For", "192.0.2.9")

	resp, _ := asks(t, "GET", api, "", nil)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api"`)
	resp, _ = asks(t, "GET", api+"&access_token="+token.AccessToken, "", nil)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api"`)
	resp, _ = asks(t, "GET", full, "", bearer)
	refuses(t, resp, http.StatusForbidden, "WWW-Authenticate", `Bearer realm="api", error="insufficient_scope", scope="full"`)
	if got := w.firstUsedFrom(token.TokenID); got != "127.0.0.1" {
		t.Errorf("got %s as the address of the first use, want that of the client's connection, not what it says", got)
	}

	resp, got := asks(t, "POST", api, "name=x", bearer)
	if resp.StatusCode != http.StatusOK || got.Method != "POST" || got.URI != "/items?scope=admin" || got.Body != "name=x" {
		t.Fatalf("got %s, and %+v arrived, want the request as it was sent", resp.Status, got)
	}
	identity := identityOf(got)
	if len(identity) != 7 || identity["X-Auth-Request-Email"] != "alice@acme.example" || identity["X-Auth-Request-Token-Id"] != token.TokenID {
		t.Errorf("got %v, want the identity of the token", identity)
	}
	forged := forgeries(bearer, identity)
	resp, got = asks(t, "GET", api, "", forged)
	if resp.StatusCode == http.StatusBadRequest { // the proxy refuses underscores
		maps.DeleteFunc(forged, func(name string, _ []string) bool { return strings.Contains(name, "_") })
		resp, got = asks(t, "GET", api, "", forged)
	}
	if resp.StatusCode != http.StatusOK || !maps.Equal(identityOf(got), identity) {
		t.Errorf("got %s, and the API is told %v, want %v", resp.Status, identityOf(got), identity)
	}
	protectsEveryMethod(t, api, bearer)
	return token, bearer
}

// aliceLogsIn lets alice approve a device. The header is what carries its token.
func (w *fixture) aliceLogsIn() (demo.Token, http.Header) {
	w.t.Helper()
	d := w.device()
	codes := w.start(d)
	w.ends(w.person("alice", "approve"), codes, "approved")
	token := w.redeems(d, codes)
	return token, http.Header{"Authorization": {"Bearer " + token.AccessToken}}
}

// refusesWhatEnded revokes the token, and then stops the service, without which the
// proxy answers with the given status.
func (w *fixture) refusesWhatEnded(t *testing.T, api string, token demo.Token, bearer http.Header, stop func(), without int) {
	t.Helper()
	if resp := w.revokes(token.AccessToken); resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s for the revocation, want 200", resp.Status)
	}
	resp, _ := asks(t, "GET", api, "", bearer)
	refuses(t, resp, http.StatusUnauthorized, "WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
	stop()
	if resp, _ := asks(t, "GET", api, "", bearer); resp.StatusCode != without {
		t.Errorf("got %s without the service, want %d", resp.Status, without)
	}
}

// protectsEveryMethod sends requests in methods that are known to HTTP and in
// others, with the token and as a browser's preflight, which has none.
func protectsEveryMethod(t *testing.T, api string, bearer http.Header) {
	t.Helper()
	preflight := http.Header{"Origin": {"http://localhost"}, "Access-Control-Request-Method": {"GET"}}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "VERSION-CONTROL", "BREW"} {
		resp, _ := asks(t, method, api, "", preflight)
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: got %s, want 401", method, resp.Status)
		}
		resp, got := asks(t, method, api, "", bearer)
		if resp.StatusCode != http.StatusOK || got.Method != method && method != http.MethodHead {
			t.Errorf("%s: got %s, and %q arrived, want 200 and the method of the request", method, resp.Status, got.Method)
		}
	}
}

// proxyAddress is where a proxy asks from, so that it is not its client's address.
const proxyAddress = "127.0.0.2"

func asProxy(timeout time.Duration) http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(proxyAddress)}}
	return http.Client{
		Timeout: timeout, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func addForwardedFor(head http.Header, address string) {
	all := append(head.Values("X-Forwarded-For"), address)
	head["X-Forwarded-For"] = []string{strings.Join(all, ",")}
}

// dropNominated removes the Connection header and the headers that it names.
// Envoy and Traefik do so when a request arrives, before any filter.
func dropNominated(head http.Header) {
	for name := range strings.SplitSeq(strings.Join(head.Values("Connection"), ","), ",") {
		head.Del(strings.TrimSpace(name))
	}
	head.Del("Connection")
}
