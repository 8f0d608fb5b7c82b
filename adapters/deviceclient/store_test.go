package deviceclient_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

// chain is a keychain that may be broken.
type chain struct {
	secrets map[string]string
	err     error
}

func (c *chain) Set(account, secret string) error {
	if c.err == nil {
		c.secrets[account] = secret
	}
	return c.err
}

func (c *chain) Get(account string) (string, error) {
	if secret, ok := c.secrets[account]; ok || c.err != nil {
		return secret, c.err
	}
	return "", deviceclient.ErrNoSecret
}

func (c *chain) Delete(account string) error {
	delete(c.secrets, account)
	return c.err
}

func credential(t *testing.T, server, secret string) (deviceclient.Server, deviceclient.Credential) {
	t.Helper()
	at, err := deviceclient.ParseServer(server)
	if err != nil {
		t.Fatal(err)
	}
	return at, deviceclient.Credential{Server: at.String(), ClientID: "difyctl", Token: deviceclient.NewSecret(secret)}
}

func TestStore(t *testing.T) {
	for name, c := range map[string]struct {
		keychain  deviceclient.Keychain
		filesOnly bool
		want      string
	}{
		"keychain":          {&chain{secrets: map[string]string{}}, false, deviceclient.InKeychain},
		"broken keychain":   {&chain{err: errors.New("no bus")}, false, deviceclient.InFile},
		"no keychain":       {nil, false, deviceclient.InFile},
		"unwanted keychain": {&chain{secrets: map[string]string{}}, true, deviceclient.InFile},
	} {
		t.Run(name, func(t *testing.T) {
			store := deviceclient.Store{Dir: filepath.Join(t.TempDir(), "a", "b"), Keychain: c.keychain, FilesOnly: c.filesOnly}
			one, first := credential(t, "https://one.example", "secret-1")
			two, second := credential(t, "https://one.example/two", "secret-2")
			for _, cred := range []deviceclient.Credential{first, second} {
				if place, err := store.Save(cred); err != nil || place != c.want {
					t.Fatalf("kept in %q (%v), want %q", place, err, c.want)
				}
			}
			for server, want := range map[deviceclient.Server]string{one: "secret-1", two: "secret-2"} {
				if got, err := store.Load(server); err != nil || got.Token.Reveal() != want || got.StoredIn != c.want {
					t.Errorf("Load(%s) = %+v, %v, want %s stored in %q", server, got, err, want, c.want)
				}
			}
			if got, err := store.Servers(); err != nil || !slices.Equal(got, []string{one.String(), two.String()}) {
				t.Errorf("Servers() = %v, %v, want %s and %s", got, err, one, two)
			}
			if err := store.Delete(one); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Load(one); !errors.Is(err, deviceclient.ErrNotSignedIn) {
				t.Errorf("got %v, want ErrNotSignedIn", err)
			}
			if got, err := store.Load(two); err != nil || got.Token.Reveal() != "secret-2" {
				t.Errorf("Load(the other server) = %v, %v, want secret-2", got, err)
			}
			if err := store.Delete(one); err != nil {
				t.Errorf("Delete(again) = %v, want no error", err)
			}
		})
	}
}

func TestFilesArePrivateAndHoldNoSecretOfTheKeychain(t *testing.T) {
	for _, keychain := range []deviceclient.Keychain{nil, &chain{secrets: map[string]string{}}} {
		store := deviceclient.Store{Dir: filepath.Join(t.TempDir(), "credentials"), Keychain: keychain}
		server, c := credential(t, "https://one.example:8443", "top-secret")
		for range 2 { // the second takes the first one's place
			if _, err := store.Save(c); err != nil {
				t.Fatal(err)
			}
		}
		files, err := os.ReadDir(store.Dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("got the files %v, %v, want one", files, err)
		}
		path := filepath.Join(store.Dir, files[0].Name())
		for path, want := range map[string]os.FileMode{path: 0o600, store.Dir: 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: got %v (%v), want %v", path, info.Mode().Perm(), err, want)
			}
		}
		text, err := os.ReadFile(path)
		if got := strings.Contains(string(text), "top-secret"); err != nil || got != (keychain == nil) {
			t.Errorf("got the secret in the file %t (%v), want %t", got, err, keychain == nil)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(server); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("Load(a file that others can read) = %v, want advice to chmod 600", err)
		}
	}
}

func TestAFileReplacesTheKeychain(t *testing.T) {
	keychain := &chain{secrets: map[string]string{}}
	store := deviceclient.Store{Dir: t.TempDir(), Keychain: keychain}
	_, c := credential(t, "https://one.example", "old")
	if _, err := store.Save(c); err != nil {
		t.Fatal(err)
	}
	store.FilesOnly, c.Token = true, deviceclient.NewSecret("new")
	if _, err := store.Save(c); err != nil {
		t.Fatal(err)
	}
	if len(keychain.secrets) != 0 {
		t.Errorf("got %d secrets in the keychain, want 0", len(keychain.secrets))
	}
}

func TestAWriteThatFailsLeavesWhatWasThere(t *testing.T) {
	keychain := &chain{secrets: map[string]string{}}
	store := deviceclient.Store{Dir: filepath.Join(t.TempDir(), "file"), Keychain: keychain}
	if err := os.WriteFile(store.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, c := credential(t, "https://one.example", "secret")
	if _, err := store.Save(c); err == nil {
		t.Error("got no error for a folder that is a file, want one")
	}
	if len(keychain.secrets) != 0 {
		t.Errorf("got %d secrets in the keychain without a file, want 0", len(keychain.secrets))
	}
}

func TestADamagedFileSaysSo(t *testing.T) {
	store := deviceclient.Store{Dir: t.TempDir()}
	server, c := credential(t, "https://one.example", "secret")
	if _, err := store.Save(c); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(store.Dir, "*.json"))
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Load(server); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Load(a damaged file) = %v, want it called damaged", err)
	}
	if err := store.Delete(server); err != nil {
		t.Error(err)
	}
}

func TestDamagedFilesNameNoServer(t *testing.T) {
	store := deviceclient.Store{Dir: t.TempDir(), FilesOnly: true}
	for name, text := range map[string]string{"empty": "", "none": "{}", "no address": `{"server":"ftp://x"}`, "cut": `{"server":"https://one.exam`} {
		if err := os.WriteFile(filepath.Join(store.Dir, name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := store.Servers(); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v, want no server", got, err)
	}
}
