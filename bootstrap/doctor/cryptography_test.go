package doctor

import (
	"crypto/fips140"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inFIPSMode runs the calling test again, in a process of its own with the mode:
// it cannot be switched on later. It reports whether this is that process.
func inFIPSMode(t *testing.T) bool {
	t.Helper()
	if fips140.Enabled() {
		return true
	}
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	run.Env = append(os.Environ(), "GODEBUG=fips140=on")
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("in FIPS mode: got %v, want success\n%s", err, out)
	}
	return false
}

const weakConnection = `connections:
  - slug: acme
    domains: [acme.example]
    metadata_url: https://idp.acme.example/metadata
    allow_weak: [sha1]
`

func TestTheDoctorSaysWhatFIPSModeCannotDo(t *testing.T) {
	if !inFIPSMode(t) {
		return
	}
	all := Examine(t.Context(), load(t, nil), Options{Offline: true})
	want(t, all, "cryptography", OK, "FIPS 140-3 mode, module ")
	file := filepath.Join(t.TempDir(), "connections.yaml")
	if err := os.WriteFile(file, []byte(weakConnection), 0o600); err != nil {
		t.Fatal(err)
	}
	all = Examine(t.Context(), load(t, map[string]string{"CONNECTIONS_FILE": file}), Options{Offline: true})
	want(t, all, "cryptography", Warn, "acme: allow_weak (sha1)")
}

// TestTheStrictModeDoesNotStart holds docs/operate/fips.md to it.
func TestTheStrictModeDoesNotStart(t *testing.T) {
	run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	run.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := run.CombinedOutput(); err == nil || !strings.Contains(string(out), "SHA-1 is not allowed") {
		t.Errorf("got %v, want a refusal of SHA-1\n%s", err, out)
	}
}

func TestWithoutFIPSModeNothingIsSaidOfIt(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("this process is in FIPS mode; run it without GODEBUG=fips140")
	}
	for _, r := range Examine(t.Context(), load(t, nil), Options{Offline: true}) {
		if r.Check == "cryptography" {
			t.Errorf("got %+v, want nothing", r)
		}
	}
}

const serverVariable = "DOCTOR_TEST_SERVER"

// TestServersWithOldTLSAreNotReachedInFIPSMode holds docs/operate/fips.md to it.
// The servers are in this process, the client is in another one with the mode.
func TestServersWithOldTLSAreNotReachedInFIPSMode(t *testing.T) {
	if at := os.Getenv(serverVariable); at != "" {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // the versions and suites count here
		response, err := client.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return
	}
	if fips140.Enabled() {
		t.Skip("the servers of this test need a process without FIPS mode")
	}
	for what, c := range map[string]struct {
		server *tls.Config
		fails  bool
	}{
		"P-256 and AES-GCM":      {&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256}}, false},
		"nothing but X25519":     {&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}}, true},
		"nothing but ChaCha20":   {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}, true},
		"nothing newer than 1.1": {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true},
	} {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = c.server
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		for mode, fails := range map[string]bool{"off": what == "nothing newer than 1.1", "on": c.fails} {
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
			run.Env = append(os.Environ(), "GODEBUG=fips140="+mode, serverVariable+"="+server.URL)
			if out, err := run.CombinedOutput(); (err != nil) != fails {
				t.Errorf("fips140=%s, a server with %s: got %v, want a failure: %t\n%s", mode, what, err, fails, out)
			}
		}
		server.Close()
	}
}
