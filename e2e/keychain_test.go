package e2e

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/e2e/services"
)

// filesWith are the files below a folder that contain a text.
func filesWith(t *testing.T, folder, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A login keeps its token in the keychain of the desktop alone; later commands,
// which are processes of their own, find it there until the logout.
func TestTheKeychainKeepsTheToken(t *testing.T) {
	t.Parallel()
	env, keyrings := services.Keychain(t, false)
	w := embeddedWorld(t)
	w.process(w.port)
	w.Introduce(w.public)
	u := &terminal{w: w, home: t.TempDir(), env: env, keep: []string{}}

	codes, _, wait := u.login("--label", "laptop")
	w.ends(w.person("alice", "approve"), codes, "approved")
	if end := wait(0); end["event"] != "signed_in" || end["stored_in"] != "keychain" {
		t.Errorf("login: got the end %v, want the token in the keychain", end)
	}
	secret := u.run(0, "token")
	w.works(w.device(), demo.Token{AccessToken: secret}, http.StatusOK)
	if found := append(filesWith(t, u.home, secret), filesWith(t, keyrings, secret)...); len(found) > 0 {
		t.Errorf("got the token in %v, want it in no file", found)
	}
	u.env = nil // another session of the same person, without the keychain
	u.run(1, "token")
	u.env = env
	u.run(0, "token")
	u.run(0, "logout")
	w.works(w.device(), demo.Token{AccessToken: secret}, http.StatusUnauthorized)
	u.run(5, "token")
}

// A keychain that is locked, with no screen to ask on, does not stop a login: the
// token is kept in the file, and the command says so.
func TestALockedKeychainStopsNoLogin(t *testing.T) {
	t.Parallel()
	env, _ := services.Keychain(t, true)
	w := embeddedWorld(t)
	w.process(w.port)
	w.Introduce(w.public)
	u := &terminal{w: w, home: t.TempDir(), env: env, keep: []string{}}

	codes, _, wait := u.login("--label", "laptop")
	w.ends(w.person("alice", "approve"), codes, "approved")
	if end := wait(0); end["event"] != "signed_in" || end["stored_in"] != "file" {
		t.Errorf("login: got the end %v, want the token in the file", end)
	}
	secret := u.run(0, "token")
	w.works(w.device(), demo.Token{AccessToken: secret}, http.StatusOK)
	u.run(0, "logout")
	u.run(5, "token")
}
