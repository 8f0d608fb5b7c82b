package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// playDemo runs the program's demo in an empty temporary folder and returns
// what it printed and what it left there.
func playDemo(t *testing.T, flags ...string) (printed string, left []os.DirEntry, err error) {
	t.Helper()
	tmp := t.TempDir()
	demo := exec.Command(systemtest.Program(t), append([]string{"demo"}, flags...)...)
	demo.Env = []string{"TMPDIR=" + tmp, "PATH=/usr/bin:/bin"}
	out, err := demo.CombinedOutput()
	left, _ = os.ReadDir(tmp)
	return string(out), left, err
}

func TestDemo(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		says  []string
	}{
		"without a terminal it plays the person and shows every hop": {nil, []string{
			"authorization_pending", "sso-initiate?user_code=… 302", "sso-complete", "The page says:             approved",
			"Approved by alice@acme.example", "GET /openapi/v1/account    200",
		}},
		"the person says no":      {[]string{"--auto", "--deny"}, []string{"The page says:             denied", "access_denied"}},
		"the person does nothing": {[]string{"--auto", "--expire"}, []string{"expired_token"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ports := []string{fmt.Sprintf("--port=%d", services.Port(t)), fmt.Sprintf("--idp-port=%d", services.Port(t))}
			printed, left, err := playDemo(t, append(ports, c.flags...)...)
			if err != nil || len(left) > 0 {
				t.Errorf("got the end %v and %v left, want neither", err, left)
			}
			for _, says := range c.says {
				if !strings.Contains(printed, says) {
					t.Errorf("want %q, got\n%s", says, printed)
				}
			}
		})
	}

	for _, flag := range []string{"--port", "--idp-port"} {
		t.Run("a port that is taken is named, with the flag for another: "+flag, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ports := map[string]int{"--port": services.Port(t), "--idp-port": services.Port(t)}
			ports[flag] = l.Addr().(*net.TCPAddr).Port
			printed, left, err := playDemo(t, fmt.Sprintf("--port=%d", ports["--port"]), fmt.Sprintf("--idp-port=%d", ports["--idp-port"]))
			if err == nil || !strings.Contains(printed, flag) || !strings.Contains(printed, "address already in use") || len(left) > 0 {
				t.Errorf("got the end %v, %v left, and\n%s\nwant the flag refused", err, left, printed)
			}
		})
	}
}
