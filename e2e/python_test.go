package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// pythonClients finds a Python that has the libraries: another one than Debian's may come first in PATH, and has none of its
// packages.
func pythonClients() (python string, err error) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		var out []byte
		if out, err = exec.Command(python, "-c", "import authlib.integrations.requests_client, requests_oauthlib").CombinedOutput(); err == nil {
			return python, nil
		}
		err = fmt.Errorf("%w: %s (apt-get install python3-authlib python3-requests-oauthlib)", err, out)
	}
	return "", err
}

// Each client logs in, introspects, revokes and introspects again, unchanged.
func TestClientsInPythonWorkUnchanged(t *testing.T) {
	python, err := pythonClients()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("got %v, want the Python packages installed: CI=true allows no skipping", err)
		}
		t.Skip(err)
	}
	for _, program := range []string{"authlib_client.py", "requests_oauthlib_client.py"} {
		t.Run(program, func(t *testing.T) {
			directlyAndBehindNginx(t, func(t *testing.T, w *fixture) {
				cmd := exec.CommandContext(t.Context(), python, program)
				cmd.Dir = "testdata/python"
				cmd.Env = append(os.Environ(), "OAUTHLIB_INSECURE_TRANSPORT=1")
				w.playsATokensLife(t, cmd, "secret+of/the%API:")
			})
		})
	}
}
