package e2e

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

const npmFolder = "testdata/npm"

// npmClients installs what the lock file names, unless it is there.
var npmClients = sync.OnceValues(func() (string, error) {
	if _, err := os.Stat(filepath.Join(npmFolder, "node_modules/openid-client")); err == nil {
		return "", nil
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = npmFolder
	out, err := install.CombinedOutput()
	return string(out), err
})

// Each client logs in, introspects, revokes and introspects again, unchanged.
func TestClientsFromNPMWorkUnchanged(t *testing.T) {
	if out, err := npmClients(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true allows no skipping: %v\n%s", err, out)
		}
		t.Skipf("%v\n%s", err, out)
	}
	for _, program := range []string{"openid-client.mjs", "oauth4webapi.mjs"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			w := embeddedWorld(t)
			secret := "secret+of/the%API:"
			w.env["INTROSPECTION_CLIENTS"] = "api:" + secret
			w.serve()
			cmd := exec.CommandContext(t.Context(), "node", program)
			cmd.Dir = npmFolder
			cmd.Env = append(os.Environ(), "ISSUER="+w.public, "CLIENT_ID=difyctl", "API_ID=api", "API_SECRET="+secret, "NO_PROXY=localhost")
			var problems strings.Builder
			cmd.Stderr = &problems
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			complete, err := url.Parse(nextLine(lines))
			if err == nil && complete.Query().Has("user_code") {
				w.ends(w.person("alice", "approve"), demo.Codes{Complete: complete.String(), UserCode: complete.Query().Get("user_code")}, "approved")
			}
			token, active, inactive := nextLine(lines), nextLine(lines), nextLine(lines)
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %s", err, problems.String())
			}
			if want := `{"scope":"apps:run","type":"bearer"}`; token != want {
				t.Errorf("got the token %s, want %s", token, want)
			}
			var got struct {
				Active                         bool
				Scope, Username, Sub, Iss, Jti string
				ClientID                       string `json:"client_id"`
				Exp, Iat                       int64
			}
			if err := json.Unmarshal([]byte(active), &got); err != nil {
				t.Fatal(err)
			}
			if !got.Active || got.Scope != "apps:run" || got.Username != "alice@acme.example" || got.ClientID != "difyctl" || got.Iss != w.public ||
				got.Sub == "" || got.Jti == "" || got.Exp-got.Iat != int64(14*24*time.Hour/time.Second) {
				t.Errorf("got %s for the live token", active)
			}
			if inactive != `{"active":false}` {
				t.Errorf("got %s for the revoked token", inactive)
			}
		})
	}
}

func nextLine(lines *bufio.Scanner) string {
	if !lines.Scan() {
		return ""
	}
	return lines.Text()
}
