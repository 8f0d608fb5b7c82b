package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// api is guard/internal/toyapi, a program of the other module: an API that asks
// this fixture's service about the tokens that it gets.
type api struct {
	w   *fixture
	at  string
	log bytes.Buffer // complete once the program has ended
	cmd *exec.Cmd
}

func (w *fixture) api(secret string) *api {
	w.t.Helper()
	program := filepath.Join(w.Dir, "toyapi")
	build := exec.Command("go", "build", "-o", program, "./internal/toyapi")
	build.Dir = "../guard"
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("build the API: got %v, want no error: %s", err, out)
	}
	a := &api{w: w, cmd: exec.Command(program)}
	a.cmd.Env = []string{"ENDPOINT=" + w.public + "/oauth2/introspect", "CLIENT_ID=toyapi", "CLIENT_SECRET=" + secret}
	a.cmd.Stderr = &a.log
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(a.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		a.stop()
		w.t.Fatalf("start the API: got %v, want no error: %s", err, &a.log)
	}
	a.at = strings.TrimSpace(line)
	return a
}

func (a *api) stop() {
	if a.cmd.ProcessState == nil {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	}
}

// get asks the API with a token, or without one. The answer's body goes to out.
func (a *api) get(path, token string, out any) *http.Response {
	a.w.t.Helper()
	r, err := http.NewRequestWithContext(a.w.t.Context(), http.MethodGet, a.at+path, nil)
	if err != nil {
		a.w.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		a.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		a.w.t.Fatal(err)
	}
	return resp
}

func TestAnAPIBehindTheGuard(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	secret := "toyapi+secret/of=the%API" // the guard form-encodes it
	w.Env["INTROSPECTION_CLIENTS"] = "toyapi:" + secret
	stop := w.serve()
	token, _ := w.aliceLogsIn()
	api := w.api(secret)

	var facts struct {
		ID, Subject, Username, Issuer, ClientID string
		Scopes                                  []string
	}
	if got := api.get("/me", token.AccessToken, &facts); got.StatusCode != http.StatusOK {
		t.Fatalf("got %s for a good token, want 200", got.Status)
	}
	if facts.ID != token.TokenID || facts.Subject == "" || facts.Username != "alice@acme.example" || facts.ClientID != "difyctl" ||
		facts.Issuer != w.public || strings.Join(facts.Scopes, " ") != token.Scope {
		t.Errorf("got %+v, want the facts of %s with scope %s", facts, token.TokenID, token.Scope)
	}
	madeUp := "dfoe_" + strings.Repeat("A", 43)
	for _, c := range []struct {
		path, token string
		status      int
		challenge   string
	}{
		{"/apps", token.AccessToken, 200, ""},
		{"/admin", token.AccessToken, 403, `Bearer realm="api", error="insufficient_scope", scope="admin"`},
		{"/me", "", 401, `Bearer realm="api"`},
		{"/me", madeUp, 401, `Bearer realm="api", error="invalid_token", error_description="The token is not valid, or no longer."`},
	} {
		got := api.get(c.path, c.token, &struct{}{})
		if challenge := got.Header.Get("WWW-Authenticate"); got.StatusCode != c.status || challenge != c.challenge {
			t.Errorf("%s: got %d with %s, want %d with %s", c.path, got.StatusCode, challenge, c.status, c.challenge)
		}
	}

	if got := w.revokes(token.AccessToken); got.StatusCode != http.StatusOK {
		t.Fatalf("got %s for the revocation, want 200", got.Status)
	}
	w.eventually("the API refuses the revoked token", func() bool {
		return api.get("/me", token.AccessToken, &struct{}{}).StatusCode == http.StatusUnauthorized
	})

	stop()
	other := "dfoe_" + strings.Repeat("B", 43)
	if got := api.get("/me", other, &struct{}{}); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %s with Retry-After %q without the service, want 503", got.Status, got.Header.Get("Retry-After"))
	}
	api.stop()
	for _, hidden := range []string{secret, token.AccessToken, madeUp, other} {
		if strings.Contains(api.log.String(), hidden) {
			t.Errorf("got %s in the API's log, want it left out", hidden)
		}
	}
	if !strings.Contains(api.log.String(), "token introspection fails") {
		t.Errorf("got the API's log %s, want the outage in it", &api.log)
	}
}
