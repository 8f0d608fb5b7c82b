package scenarios

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/domain/spkeys/spkeystest"
	"github.com/devicegate/devicegate/ports"
)

// fixture is an identity provider, and the settings of processes.
type fixture struct {
	t      *testing.T
	public string // where browsers and devices reach devicegate
	idp    *demoidp.IdP
	env    map[string]string
	logs   logs
	logins atomic.Int64 // each is by a person and in a network of its own
}

// staffSize is how many people there are. One person may log in several devices.
const staffSize = 500

func newFixture(t *testing.T, public, databaseURL, redisURL string) *fixture {
	t.Helper()
	f := &fixture{t: t, public: public}
	var staff []demoidp.User
	for i := range staffSize {
		staff = append(staff, demoidp.User{Email: fmt.Sprintf("p%d@acme.example", i), Name: fmt.Sprint("Person ", i)})
	}
	server := httptest.NewUnstartedServer(nil)
	idp, err := demoidp.New(demoidp.Config{
		URL: "http://" + server.Listener.Addr().String(), Users: staff, Now: ports.SystemClock, Key: spkeystest.Pair(t, "identity provider").Key(),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.idp = idp
	server.Config.Handler = idp.Handler()
	server.Start()
	t.Cleanup(server.Close)

	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"saml-sp.pem": spkeystest.PEM(t, "service provider"), "acme.xml": idp.Metadata(),
		"connections.yaml": []byte("connections:\n  - {slug: acme, name: ACME Corp, metadata_file: acme.xml, domains: [acme.example], public: true}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := make([]byte, 48)
	_, _ = rand.Read(key)
	f.env = map[string]string{
		"PATH": "/usr/bin:/bin", "PUBLIC_URL": public, "DATABASE_URL": databaseURL, "REDIS_URL": redisURL, "DATA_DIR": dir,
		"SECRET_KEY": base64.StdEncoding.EncodeToString(key), "CONNECTIONS_FILE": filepath.Join(dir, "connections.yaml"),
		"TRUSTED_PROXIES": "127.0.0.0/8,::1", "SHUTDOWN_DELAY": "0s", "OPENAPI_RATE_LIMIT_PER_TOKEN": "0",
	}
	return f
}

// introduce gives devicegate's metadata to the identity provider.
func (f *fixture) introduce() {
	f.t.Helper()
	resp, err := http.Get(f.public + "/saml/metadata")
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	metadata, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.idp.Register(metadata); err != nil {
		f.t.Fatal(err)
	}
}

// db opens the database beside the processes.
func (f *fixture) db() *bun.DB {
	f.t.Helper()
	db, err := database.Open(database.Config{URL: f.env["DATABASE_URL"]})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() })
	return db
}

// process is the program itself, as an operator runs it.
type process struct {
	f   *fixture
	at  string // its own address
	cmd *exec.Cmd
}

func (f *fixture) command(change map[string]string, arguments ...string) *exec.Cmd {
	env := maps.Clone(f.env)
	maps.Copy(env, change)
	cmd := exec.Command(program(f.t), arguments...)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = &f.logs
	return cmd
}

// run starts a process that ends with the test.
func (f *fixture) run(change map[string]string, arguments ...string) *process {
	f.t.Helper()
	p := &process{f: f, cmd: f.command(change, arguments...)}
	if err := p.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(p.kill)
	return p
}

// serve starts a process that listens at an address, and waits until it is ready.
func (f *fixture) serve(address string) *process {
	f.t.Helper()
	p := f.run(map[string]string{"LISTEN_ADDR": address}, "serve")
	p.at = "http://" + address
	within(f.t, time.Minute, "the process is ready", func() bool { return status(p.at+"/readyz") == http.StatusOK })
	return p
}

// kill ends it without a chance to finish anything.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// stop ends it as an operator does.
func (p *process) stop() {
	p.f.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.f.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.f.t.Errorf("stop: got %v, want exit code 0", err)
	}
}

// status is what an address answers; 0: nothing.
func status(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// logs keeps what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
