package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recipe is a program of docs/protect-an-api.md. ask calls it with lines of a
// header field, a tab and a scope, and prints the status of each.
type recipe struct {
	language, file string
	command        []string
	needs          []string // files beside the command
	install        string   // Debian's packages
	after, ask     string   // ask stands after the first "after", "": at the end
}

const jackson = "/usr/share/java/jackson-"

var recipes = []recipe{
	{language: "python", file: "check.py", command: []string{"python3"}, install: "python3", ask: `
import sys
for line in sys.stdin:
    header, scope = line.rstrip("\n").split("\t")
    print(check(header or None, scope or None)[0])
`},
	{language: "js", file: "check.mjs", command: []string{"node"}, install: "nodejs", ask: `
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [header, scope] = line.split("\t");
  console.log((await check(header || undefined, scope || undefined)).status);
}
`},
	{
		language: "java", file: "Check.java", install: "default-jdk-headless libjackson2-databind-java",
		command: []string{"java", "-cp", jackson + "databind.jar:" + jackson + "core.jar:" + jackson + "annotations.jar"},
		needs:   []string{jackson + "databind.jar"},
		after:   "class Check {", ask: `
    public static void main(String[] args) {
        new Scanner(System.in).useDelimiter("\n").forEachRemaining(line -> {
            var parts = line.split("\t", -1);
            System.out.println(check(parts[0].isEmpty() ? null : parts[0], parts[1].isEmpty() ? null : parts[1]).status());
        });
    }
`,
	},
}

// program is the recipe's text in the document, with what asks it.
func (r recipe) program(t *testing.T, document []byte) []byte {
	t.Helper()
	found := regexp.MustCompile("(?s)```" + r.language + "\n(.*?)```").FindSubmatch(document)
	if found == nil {
		t.Fatalf("got no recipe in %s, want one", r.language)
	}
	if r.after == "" {
		return append(found[1], r.ask...)
	}
	return bytes.Replace(found[1], []byte(r.after), []byte(r.after+r.ask), 1)
}

// missing says what the recipe needs and is not there.
func (r recipe) missing() error {
	_, err := exec.LookPath(r.command[0])
	for _, file := range r.needs {
		if err == nil {
			_, err = os.Stat(file)
		}
	}
	if err != nil {
		return fmt.Errorf("%w (apt-get install %s)", err, r.install)
	}
	return nil
}

func TestTheRecipesForOtherLanguages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/protect-an-api.md")
	if err != nil {
		t.Fatal(err)
	}
	w := embeddedWorld(t)
	secret := "toyapi+secret/of=the%API"
	w.Env["INTROSPECTION_CLIENTS"] = "toyapi:" + secret
	stop := w.serve()
	login, _ := w.aliceLogsIn()
	token := login.AccessToken

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
		if err := recipe.missing(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Errorf("got %v, want it installed: CI=true allows no skipping", err)
			}
			t.Logf("the recipe in %s is not tried: %v", recipe.language, err)
			continue
		}
		program := w.Write(recipe.file, recipe.program(t, text))
		asks[recipe.language] = func() string {
			cmd := exec.CommandContext(t.Context(), recipe.command[0], append(slices.Clone(recipe.command[1:]), program)...)
			cmd.Env = append(os.Environ(), "ENDPOINT="+w.public+"/oauth2/introspect", "CLIENT_ID=toyapi", "CLIENT_SECRET="+secret, "NO_PROXY=localhost", nodeIPv4)
			cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
			var problems bytes.Buffer
			cmd.Stderr = &problems
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: got %v, want no error: %s", recipe.language, err, &problems)
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
