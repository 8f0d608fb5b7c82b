package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
	"github.com/devicegate/devicegate/ports"
)

// fixture is everything around one or more devicegates: an identity provider on
// another site, and the settings that they run with.
type fixture struct {
	*systemtest.System
	t      testing.TB
	public string // where browsers reach devicegate
	port   int
	ahead  atomic.Int64                // how far the fixture's clock is ahead of the machine's
	spans  *tracetest.InMemoryExporter // nil: no traces
}

// stores are the database, with all tables, and Redis of a fixture.
type stores struct {
	name string
	open func(t testing.TB) (databaseURL, redisURL string)
}

var (
	embedded = stores{"embedded", func(t testing.TB) (string, string) {
		return databasetest.File(t, filepath.Join(t.TempDir(), "devicegate.db")), ""
	}}
	production = stores{"PostgreSQL and Redis", func(t testing.TB) (string, string) {
		return databasetest.Postgres(t), services.PrivateRedis(t).URL()
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
	w := &fixture{t: t, port: services.Port(t)}
	w.public = fmt.Sprintf("http://localhost:%d", w.port)
	w.System = systemtest.New(t, demoidp.Config{Now: w.now}, w.public, databaseURL, redisURL)
	w.Env["LISTEN_ADDR"], w.Env["LOG_LEVEL"] = fmt.Sprintf("localhost:%d", w.port), "debug"
	return w
}

// serve runs devicegate in this process, by a clock that the test moves, until
// the test or stop ends it.
func (w *fixture) serve() (stop func()) {
	w.t.Helper()
	c, err := bootstrap.Load(w.Env)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Clock = w.now
	if w.spans != nil {
		c.Tracing.Exporter = w.spans
	}
	log := slog.New(slog.NewJSONHandler(w.Logs, &slog.HandlerOptions{Level: c.LogLevel}))
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
	w.Introduce(w.public)
	return stop
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
	requestLog := w.t.Output()
	if _, measuring := w.t.(*testing.B); measuring {
		requestLog = io.Discard
	}
	return demo.NewPerson(user, "password", press, requestLog).Through(described{w.t})
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

// polls lets a device poll once, and checks the error that it gets: "" is a token.
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
	systemtest.Within(w.t, 20*time.Second, what, is)
}

// works checks the status that a request with a token gets.
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
