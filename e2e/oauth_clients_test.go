package e2e

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// nodeIPv4 makes localhost an IPv4 address, at which our servers listen. Node.js up
// to 18 tries the first address only, which Debian says is ::1.
const nodeIPv4 = "NODE_OPTIONS=--dns-result-order=ipv4first"

// playsATokensLife starts a program with a client library in it, against a
// service. The program prints one line each: the address to approve
// at, the token's scope and type, and the answers of introspection before and
// after it revoked the token.
func (w *fixture) playsATokensLife(t *testing.T, cmd *exec.Cmd, secret string) {
	t.Helper()
	w.Env["INTROSPECTION_CLIENTS"] = "api:" + secret
	w.serve()
	cmd.Env = append(cmd.Environ(), "ISSUER="+w.public, "CLIENT_ID=difyctl", "API_ID=api", "API_SECRET="+secret, "NO_PROXY=localhost", nodeIPv4)
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
		t.Fatalf("got %v, want no error: %s", err, problems.String())
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
		t.Errorf("got %s for the live token, want it active for alice and difyctl, with a lifetime of 14 days", active)
	}
	if inactive != `{"active":false}` {
		t.Errorf("got %s for the revoked token, want it inactive", inactive)
	}
}

func nextLine(lines *bufio.Scanner) string {
	if !lines.Scan() {
		return ""
	}
	return lines.Text()
}
