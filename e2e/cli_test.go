package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// terminal runs the program's commands as one user without a desktop.
type terminal struct {
	w    *fixture
	home string
	env  []string
	keep []string     // where login keeps the token; nil: in a file
	said bytes.Buffer // all standard error, and all output but tokens
}

func (u *terminal) command(args ...string) *exec.Cmd {
	cmd := exec.Command(systemtest.Program(u.w.t), args...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + u.home}, u.env...)
	return cmd
}

// run runs a command to its end and checks its exit code.
func (u *terminal) run(want int, args ...string) string {
	u.w.t.Helper()
	cmd := u.command(args...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, _ := cmd.Output()
	if got := cmd.ProcessState.ExitCode(); got != want {
		u.w.t.Fatalf("%v: exit code %d, want %d: %s%s", args, got, want, out, &errors)
	}
	u.said.Write(errors.Bytes())
	if args[0] != "token" {
		u.said.Write(out)
	}
	return strings.TrimSpace(string(out))
}

// files are the contents of all files in the user's home.
func (u *terminal) files() string {
	u.w.t.Helper()
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(u.home), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(u.home, path))
		all.Write(text)
		return err
	})
	if err != nil {
		u.w.t.Fatal(err)
	}
	return all.String()
}

// login starts one and returns its codes; wait ends it and returns its last line.
func (u *terminal) login(args ...string) (codes demo.Codes, cmd *exec.Cmd, wait func(want int) map[string]any) {
	u.w.t.Helper()
	keep := u.keep
	if keep == nil {
		keep = []string{"--no-keychain"}
	}
	cmd = u.command(slices.Concat([]string{"login", "--server", u.w.public, "--json"}, keep, args)...)
	cmd.Stderr = &u.said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		u.w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		u.w.t.Fatal(err)
	}
	u.w.t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewReader(stdout)
	first, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(first, &codes)
	}
	if err != nil {
		u.w.t.Fatalf("got %s (%v), want the codes as JSON (%s)", first, err, &u.said)
	}
	return codes, cmd, func(want int) (last map[string]any) {
		u.w.t.Helper()
		rest, _ := io.ReadAll(lines)
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != want {
			u.w.t.Fatalf("exit code %d, want %d: %s%s", got, want, rest, &u.said)
		}
		if err := json.Unmarshal(rest, &last); err != nil {
			u.w.t.Fatalf("got %s (%v), want JSON", rest, err)
		}
		u.said.Write(rest)
		return last
	}
}

func TestClientCommands(t *testing.T) {
	for _, mount := range []string{"standard", "canonical", "auto"} {
		t.Run(mount, func(t *testing.T) {
			t.Parallel()
			database, redis := embedded.open(t)
			w := newFixture(t, database, redis)
			w.process(w.port)
			w.Introduce(w.public)
			u := &terminal{w: w, home: t.TempDir()}

			codes, _, wait := u.login("--mount", mount, "--label", "laptop")
			w.ends(w.person("alice", "approve"), codes, "approved")
			if end := wait(0); end["event"] != "signed_in" || end["subject_email"] != "alice@acme.example" || end["stored_in"] != "file" {
				t.Errorf("login: got the end %v, want alice signed in", end)
			}
			secret := u.run(0, "token")
			if kept := u.files(); strings.Count(kept, secret) != 1 || strings.Contains(kept, "dc_") {
				t.Errorf("got %s, want the token once and no device code", kept)
			}
			token := demo.Token{AccessToken: secret}
			w.works(w.device(), token, http.StatusOK)
			if got := u.run(0, "whoami"); !strings.HasPrefix(got, "alice@acme.example (") {
				t.Errorf("whoami: got %q, want alice", got)
			}
			if got := u.run(0, "sessions"); !strings.Contains(got, "  laptop  ") {
				t.Errorf("sessions: got %q, want the device", got)
			}
			u.run(1, "sessions", "--revoke", "00000000-0000-7000-8000-000000000000")
			u.run(0, "logout")
			w.works(w.device(), token, http.StatusUnauthorized)
			u.run(5, "token")
			u.run(5, "whoami", "--server", w.public)
			if strings.Contains(u.said.String(), secret) {
				t.Errorf("got the token in %s, want it nowhere", &u.said)
			}
			if kept := u.files(); strings.Contains(kept, secret) {
				t.Errorf("got the token in a file after the logout, want it deleted: %s", kept)
			}
		})
	}
}

func TestCommandLineLoginOutcomes(t *testing.T) {
	t.Parallel()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	w.process(w.port)
	w.Introduce(w.public)
	u := &terminal{w: w, home: t.TempDir()}

	codes, _, wait := u.login()
	w.ends(w.person("alice", "deny"), codes, "denied")
	if end := wait(3); end["error"] != "denied" {
		t.Errorf("denied: got the end %v, want denied", end)
	}
	_, cmd, wait := u.login()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if end := wait(130); end["error"] != "interrupted" {
		t.Errorf("interrupted: got the end %v, want interrupted", end)
	}
	u.run(5, "token")
	u.run(2, "login", "--server", "ftp://x")
	u.run(2, "login")
	u.run(1, "login", "--server", w.public, "--client-id", "unknown")
}

func TestTheCommandsFollowTheProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.serve()
	u := &terminal{w: w, home: t.TempDir(), env: []string{"HTTP_PROXY=" + front(t, w.public)}}
	codes, _, wait := u.login("--server", "http://sso.invalid") // a name that only the proxy knows
	w.ends(w.person("alice", "approve"), codes, "approved")
	w.skip(6 * time.Second)
	wait(0)
	if got := u.run(0, "whoami"); !strings.HasSuffix(got, " on http://sso.invalid") {
		t.Errorf("whoami: got %q, want the server", got)
	}
}
