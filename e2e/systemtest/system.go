// Package systemtest gives tests devicegate with what is around it: an identity
// provider, the files and settings that it runs with, and the program itself.
package systemtest

import (
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/domain/spkeys/spkeystest"
	"github.com/devicegate/devicegate/internal/logtest"
)

// System is what one or more processes share.
type System struct {
	t    testing.TB
	IdP  *demoidp.IdP
	Dir  string // DATA_DIR
	Env  map[string]string
	Logs *logtest.Log // of the processes
}

// New starts the identity provider, whose key and address are made here, and writes
// the files. It is the connection acme.
func New(t testing.TB, idp demoidp.Config, public, databaseURL, redisURL string) *System {
	t.Helper()
	s := &System{t: t, Dir: t.TempDir(), Logs: &logtest.Log{}}
	server := httptest.NewUnstartedServer(nil)
	idp.URL, idp.Key = "http://"+server.Listener.Addr().String(), spkeystest.Pair(t, "identity provider").Key()
	var err error
	if s.IdP, err = demoidp.New(idp); err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.IdP.Handler()
	server.Start()
	t.Cleanup(server.Close)

	s.Write("saml-sp.pem", spkeystest.PEM(t, "service provider"))
	s.Write("acme.xml", s.IdP.Metadata())
	connections := s.Write("connections.yaml", []byte(`connections:
  - slug: acme
    name: ACME Corp
    metadata_file: acme.xml
    domains: [acme.example]
    public: true
`))
	key := make([]byte, 48)
	_, _ = rand.Read(key)
	s.Env = map[string]string{
		"PUBLIC_URL": public, "DATABASE_URL": databaseURL, "REDIS_URL": redisURL, "DATA_DIR": s.Dir,
		"SECRET_KEY": base64.StdEncoding.EncodeToString(key), "CONNECTIONS_FILE": connections,
		"TRUSTED_PROXIES": "127.0.0.0/8,::1", "SHUTDOWN_DELAY": "0s",
	}
	return s
}

// Write makes a file in the data directory and returns where it is.
func (s *System) Write(name string, text []byte) string {
	s.t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// Introduce gives devicegate's metadata to the identity provider.
func (s *System) Introduce(at string) {
	s.t.Helper()
	resp, err := http.Get(at + "/saml/metadata")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	metadata, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.IdP.Register(metadata); err != nil {
		s.t.Fatal(err)
	}
}

// Within asks until the answer is yes, and returns how long that took.
func Within(t testing.TB, most time.Duration, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(most)
	for !is() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		}
	}
	return time.Since(began).Round(100 * time.Millisecond)
}

// Status is what an address answers; 0: nothing.
func Status(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
