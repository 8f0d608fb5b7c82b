package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/domain/spkeys/spkeystest"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
)

// fixture is everything around one or more devicegates: an identity provider on
// another site, and the settings that they run with.
type fixture struct {
	t      testing.TB
	public string // where browsers reach devicegate
	port   int
	idp    *demoidp.IdP
	env    map[string]string
	ahead  atomic.Int64 // how far the fixture's clock is ahead of the machine's
	logs   *logs
	dir    string
	spans  *tracetest.InMemoryExporter // nil: no traces
}

// stores are the database and Redis of a fixture.
type stores struct {
	name string
	open func(t testing.TB) (databaseURL, redisURL string)
}

var (
	embedded = stores{"embedded", func(t testing.TB) (string, string) {
		return "sqlite:" + filepath.Join(t.TempDir(), "devicegate.db"), ""
	}}
	production = stores{"PostgreSQL and Redis", func(t testing.TB) (string, string) {
		return services.Postgres(t), services.PrivateRedis(t).URL()
	}}
)

// everywhere runs a journey on both kinds of stores.
func everywhere(t *testing.T, journey func(t *testing.T, w *fixture)) {
	for _, s := range []stores{embedded, production} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			database, redis := s.open(t)
			w := newFixture(t, database, redis)
			w.serve()
			journey(t, w)
		})
	}
}

// newFixture starts the identity provider and writes the configuration.
func newFixture(t testing.TB, databaseURL, redisURL string) *fixture {
	t.Helper()
	w := &fixture{t: t, port: services.Port(t), logs: &logs{}, dir: t.TempDir()}
	w.public = fmt.Sprintf("http://localhost:%d", w.port)

	server := httptest.NewUnstartedServer(nil)
	idp, err := demoidp.New(demoidp.Config{URL: "http://" + server.Listener.Addr().String(), Now: w.now, Key: spkeystest.Pair(t, "identity provider").Key()})
	if err != nil {
		t.Fatal(err)
	}
	w.idp = idp
	server.Config.Handler = idp.Handler()
	server.Start()
	t.Cleanup(server.Close)

	w.write("saml-sp.pem", spkeystest.PEM(t, "service provider"))
	key := make([]byte, 48)
	_, _ = rand.Read(key)
	w.write("acme.xml", idp.Metadata())
	connections := w.write("connections.yaml", []byte(`connections:
  - slug: acme
    name: ACME Corp
    metadata_file: acme.xml
    domains: [acme.example]
    public: true
`))
	w.env = map[string]string{
		"LISTEN_ADDR": fmt.Sprintf("localhost:%d", w.port), "PUBLIC_URL": w.public,
		"DATABASE_URL": databaseURL, "REDIS_URL": redisURL, "DATA_DIR": w.dir,
		"SECRET_KEY": base64.StdEncoding.EncodeToString(key), "CONNECTIONS_FILE": connections,
		"TRUSTED_PROXIES": "127.0.0.0/8,::1", "LOG_LEVEL": "debug", "SHUTDOWN_DELAY": "0s",
	}
	return w
}

func (w *fixture) write(name string, text []byte) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// serve runs devicegate in this process, by a clock that the test moves, until
// the test or stop ends it.
func (w *fixture) serve() (stop func()) {
	w.t.Helper()
	c, err := bootstrap.Load(w.env)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Clock = w.now
	if w.spans != nil {
		c.Tracing.Exporter = w.spans
	}
	log := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: c.LogLevel}))
	app := fx.New(bootstrap.Service(c, log))
	if err := app.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	w.introduce(w.public)
	return stop
}

// introduce gives devicegate's metadata to the identity provider.
func (w *fixture) introduce(at string) {
	w.t.Helper()
	resp, err := http.Get(at + "/saml/metadata")
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	metadata, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.idp.Register(metadata); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) now() time.Time { return ports.SystemClock().Add(time.Duration(w.ahead.Load())) }

// skip moves the fixture's clock ahead.
func (w *fixture) skip(d time.Duration) { w.ahead.Add(int64(d)) }

// device is a client that sits at an address of its own.
func (w *fixture) device() demo.Device { return w.deviceAt(w.public) }

func (w *fixture) deviceAt(server string) demo.Device {
	return demo.Device{API: server + "/openapi/v1", ClientID: "difyctl", Label: "test device", HTTP: &http.Client{Timeout: 30 * time.Second, Transport: described{w.t}}}
}

// person is a person with a fresh browser.
func (w *fixture) person(user, press string) *demo.Person {
	hops := w.t.Output()
	if _, measuring := w.t.(*testing.B); measuring {
		hops = io.Discard
	}
	return demo.NewPerson(user, "password", press, hops).Through(described{w.t})
}

// start begins a login.
func (w *fixture) start(d demo.Device) demo.Codes {
	w.t.Helper()
	codes, err := d.Start(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return codes
}

// ends lets a person decide, and checks what the page says in the end.
func (w *fixture) ends(p *demo.Person, codes demo.Codes, want string) {
	w.t.Helper()
	got, err := p.Decide(w.t.Context(), codes.Complete, codes.UserCode)
	if err != nil {
		w.t.Fatal(err)
	}
	if got != want {
		w.t.Fatalf("the page ends with %q, want %q", got, want)
	}
}

// polls lets a device ask once, and checks what it is told: "" is a token.
func (w *fixture) polls(d demo.Device, codes demo.Codes, want string) demo.Token {
	w.t.Helper()
	token, got, err := d.Poll(w.t.Context(), codes.DeviceCode)
	if err != nil {
		w.t.Fatal(err)
	}
	if got != want {
		w.t.Fatalf("the device is told %q, want %q", got, want)
	}
	return token
}

// redeems polls until the interval is over. Redis measures it by its own clock,
// and an early poll moves nothing.
func (w *fixture) redeems(d demo.Device, codes demo.Codes) demo.Token {
	w.t.Helper()
	w.skip(time.Duration(codes.Interval) * time.Second)
	var token demo.Token
	w.eventually("the poll is in time", func() bool {
		t, refused, err := d.Poll(w.t.Context(), codes.DeviceCode)
		if err != nil || refused != "" && refused != "slow_down" {
			w.t.Fatalf("got %q (%v) for the device, want a token", refused, err)
		}
		token = t
		return refused == ""
	})
	return token
}

// eventually asks until the answer is yes.
func (w *fixture) eventually(what string, is func() bool) {
	w.t.Helper()
	w.within(20*time.Second, what, is)
}

// within waits longer, for what takes its time.
func (w *fixture) within(most time.Duration, what string, is func() bool) {
	w.t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(most)
	for !is() {
		select {
		case <-again.C:
		case <-deadline:
			w.t.Fatalf("in vain: %s", what)
		}
	}
}

// works checks that a token opens doors, or does not.
func (w *fixture) works(d demo.Device, token demo.Token, want int) {
	w.t.Helper()
	status, body, err := d.Account(w.t.Context(), token.AccessToken)
	if err != nil {
		w.t.Fatal(err)
	}
	if status != want {
		w.t.Fatalf("account: got %d, want %d: %s", status, want, body)
	}
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
