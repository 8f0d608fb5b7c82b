package deviceclient

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Credential is a token as it is kept, and what is known of it.
type Credential struct {
	Server    string    `json:"server"`
	ClientID  string    `json:"client_id"`
	Label     string    `json:"device_label,omitempty"`
	Email     string    `json:"subject_email,omitempty"`
	Issuer    string    `json:"subject_issuer,omitempty"`
	TokenID   string    `json:"token_id,omitempty"`
	Scope     string    `json:"scope,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	StoredIn  string    `json:"stored_in"` // "keychain" or "file"

	Token Secret `json:"-"`
}

// Places in which a token is kept.
const (
	InKeychain = "keychain"
	InFile     = "file"
)

// Store keeps one credential for each server, in a file of its own that only
// its owner may read. The token itself goes into the keychain, or into the same
// file where there is none.
type Store struct {
	Dir       string
	Keychain  Keychain // nil: there is none
	FilesOnly bool     // put no new token into the keychain
}

// Keychain is the operating system's store for secrets.
type Keychain interface {
	Set(account, secret string) error
	Get(account string) (string, error)
	Delete(account string) error
}

// DefaultDir returns the folder for credentials in the user's configuration.
func DefaultDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder to keep the token in: set HOME or XDG_CONFIG_HOME (%w)", err)
	}
	return filepath.Join(dir, "devicegate", "credentials"), nil
}

// file is a credential as it is written.
type file struct {
	Credential
	Secret string `json:"token,omitempty"`
}

// Save keeps c, and returns where its token is. It replaces what was kept for
// the server.
func (s Store) Save(c Credential) (string, error) {
	c.StoredIn = InFile
	old, _ := s.read(s.path(c.Server))
	if s.Keychain != nil && !s.FilesOnly && s.Keychain.Set(c.Server, c.Token.Reveal()) == nil {
		c.StoredIn = InKeychain
	}
	out := file{Credential: c}
	if c.StoredIn == InFile {
		out.Secret = c.Token.Reveal()
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = s.write(s.path(c.Server), text)
	}
	if err != nil {
		if c.StoredIn == InKeychain {
			_ = s.Keychain.Delete(c.Server)
		}
		return "", fmt.Errorf("keep the token: %w", err)
	}
	if old.StoredIn == InKeychain && c.StoredIn == InFile && s.Keychain != nil {
		_ = s.Keychain.Delete(c.Server) // the old token
	}
	return c.StoredIn, nil
}

// write replaces a file whole, or leaves it as it was.
func (s Store) write(path string, text []byte) (err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.Dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(append(text, '\n')); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Load returns the credential of a server, or [ErrNotSignedIn].
func (s Store) Load(server Server) (Credential, error) {
	c, err := s.read(s.path(server.String()))
	if err != nil || c.StoredIn != InKeychain {
		return c, err
	}
	if s.Keychain == nil {
		return c, errors.New("the token is in the keychain, which may not be used here; log in again with --no-keychain")
	}
	secret, err := s.Keychain.Get(c.Server)
	switch {
	case errors.Is(err, ErrNoSecret):
		return Credential{}, ErrNotSignedIn
	case err != nil:
		return Credential{}, fmt.Errorf("the keychain does not give the token out: %w; unlock it, or log in again with --no-keychain", err)
	}
	c.Token = NewSecret(secret)
	return c, nil
}

func (s Store) read(path string) (Credential, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, ErrNotSignedIn
	}
	if err != nil {
		return Credential{}, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Credential{}, fmt.Errorf("%s can be read by others; log in again, or: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Credential{}, err
	}
	var in file
	if err := json.Unmarshal(text, &in); err != nil {
		return Credential{}, fmt.Errorf("%s is damaged; log in again", path)
	}
	in.Credential.Token = NewSecret(in.Secret)
	return in.Credential, nil
}

// Delete forgets the credential of a server; there may be none.
func (s Store) Delete(server Server) error {
	if s.Keychain != nil {
		// The file says whether the keychain was used, and may be damaged.
		if c, err := s.read(s.path(server.String())); err != nil || c.StoredIn == InKeychain {
			_ = s.Keychain.Delete(server.String())
		}
	}
	if err := os.Remove(s.path(server.String())); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Servers lists the servers for which a credential is kept.
func (s Store) Servers() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, path := range files {
		c, err := s.read(path)
		if err == nil {
			_, err = ParseServer(c.Server)
		}
		if err == nil { // else the file is not one that login wrote
			servers = append(servers, c.Server)
		}
	}
	slices.Sort(servers)
	return servers, nil
}

// path names a server's file: its host for people, a digest to tell servers of
// one host apart.
func (s Store) path(server string) string {
	host := ""
	if u, err := url.Parse(server); err == nil {
		host = strings.Map(func(r rune) rune {
			if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
				return r
			}
			return '_'
		}, u.Host)
	}
	digest := sha256.Sum256([]byte(server))
	return filepath.Join(s.Dir, host+"-"+hex.EncodeToString(digest[:6])+".json")
}
