package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
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
			t.Fatalf("got %v, want npm's packages installed: CI=true allows no skipping\n%s", err, out)
		}
		t.Skipf("%v\n%s", err, out)
	}
	for _, program := range []string{"openid-client.mjs", "oauth4webapi.mjs"} {
		t.Run(program, func(t *testing.T) {
			directlyAndBehindNginx(t, func(t *testing.T, w *fixture) {
				cmd := exec.CommandContext(t.Context(), "node", program)
				cmd.Dir = npmFolder
				w.playsATokensLife(t, cmd, "secret+of/the%API:")
			})
		})
	}
}
