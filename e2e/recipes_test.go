package e2e

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// recipes are the programs of docs/protect-an-api.md that run without a
// framework. ask calls a recipe with lines of a header field, a tab and a scope,
// and prints the status of each.
var recipes = []struct{ language, program, file, ask string }{
	{"python", "python3", "check.py", `
import sys
for line in sys.stdin:
    header, scope = line.rstrip("\n").split("\t")
    print(check(header or None, scope or None)[0])
`},
	{"js", "node", "check.mjs", `
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [header, scope] = line.split("\t");
  console.log((await check(header || undefined, scope || undefined)).status);
}
`},
}

func TestTheRecipesForOtherLanguages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/protect-an-api.md")
	if err != nil {
		t.Fatal(err)
	}
	w := embeddedWorld(t)
	secret := "toyapi+secret/of=the%API"
	w.env["INTROSPECTION_CLIENTS"] = "toyapi:" + secret
	stop := w.serve()
	device := w.device()
	codes := w.start(device)
	w.ends(w.person("alice", "approve"), codes, "approved")
	token := w.redeems(device, codes).AccessToken

	lines := []string{
		"Bearer " + token + "\t", "bEARER " + token + "\t", "Bearer " + token + "\tapps:run", // let through
		"Bearer " + token + "\tadmin",
		"\t", "Basic " + token + "\t", token + "\t", "Bearer x\t", "Bearer " + token + "A\t", // not asked about
		"Bearer dfoe_" + strings.Repeat("A", 43) + "\t",
	}
	up := "200 200 200 403 401 401 401 401 401 401"
	down := "503 503 503 503 401 401 401 401 401 503"
	asks := map[string]func() string{}
	for _, recipe := range recipes {
		if _, err := exec.LookPath(recipe.program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Errorf("CI=true allows no skipping: %v", err)
			}
			t.Logf("the recipe in %s is not tried: %v", recipe.language, err)
			continue
		}
		found := regexp.MustCompile("(?s)```" + recipe.language + "\n(.*?)```").FindSubmatch(text)
		if found == nil {
			t.Fatalf("no recipe in %s", recipe.language)
		}
		program := w.write(recipe.file, append(found[1], recipe.ask...))
		asks[recipe.language] = func() string {
			cmd := exec.CommandContext(t.Context(), recipe.program, program)
			cmd.Env = append(os.Environ(), "ENDPOINT="+w.public+"/oauth2/introspect", "CLIENT_ID=toyapi", "CLIENT_SECRET="+secret, "NO_PROXY=localhost")
			cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
			var problems bytes.Buffer
			cmd.Stderr = &problems
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v: %s", recipe.language, err, &problems)
			}
			return strings.Join(strings.Fields(string(out)), " ")
		}
	}
	check := func(when, want string) {
		t.Helper()
		for language, ask := range asks {
			if got := ask(); got != want {
				t.Errorf("%s, %s: got %s, want %s", language, when, got, want)
			}
		}
	}
	check("with the service", up)
	if resp := w.revokes(token); resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s for the revocation, want 200", resp.Status)
	}
	check("with a revoked token", strings.NewReplacer("200", "401", "403", "401").Replace(up))
	stop()
	check("without the service", down)
}

// revokes ends a token's own session.
func (w *fixture) revokes(token string) *http.Response {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, w.public+"/openapi/v1/account/sessions/self", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}
