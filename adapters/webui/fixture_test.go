package webui_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/spkeys/spkeystest"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

// fixture is devicegate's handler on SQLite, and identity providers on another
// site. Requests are served in this process; only a browser gets listeners.
type fixture struct {
	t         *testing.T
	url       string
	dir       string
	env       map[string]string
	logs      *logtest.Log
	ahead     atomic.Int64
	idpBehind atomic.Int64 // how far the identity providers' clocks are behind that
	storeDown atomic.Bool
	idps      []*demoidp.IdP
	servers   []*httptest.Server      // of the identity providers
	hosts     map[string]http.Handler // by host and port
	listen    sync.Once
	clients   *files.Clients // nil without CLIENTS_FILE
	store     ports.Store
}

// via is an identity provider of a fixture.
type via struct {
	slug, name, domain string
	public             bool
	broken             bool // its sign-in page cannot be reached
	posts              bool // it takes requests by POST only
}

var acme = via{slug: "acme", name: "ACME Corp", domain: "acme.example", public: true}

var redirectBinding = regexp.MustCompile(`<SingleSignOnService[^>]*HTTP-Redirect[^>]*(/>|></SingleSignOnService>)`)

// newFixture makes a fixture that is not yet served; settings may be changed.
func newFixture(t *testing.T, through ...via) *fixture {
	t.Helper()
	s := &fixture{t: t, dir: t.TempDir(), logs: &logtest.Log{}, hosts: map[string]http.Handler{}}
	port := services.Port(t)
	s.url = fmt.Sprintf("http://localhost:%d", port)
	var list strings.Builder
	for _, v := range through {
		server := httptest.NewUnstartedServer(nil)
		idp, err := demoidp.New(demoidp.Config{
			URL: "http://" + server.Listener.Addr().String(), Now: func() time.Time { return s.now().Add(-time.Duration(s.idpBehind.Load())) },
			Key:   spkeystest.Pair(t, v.slug).Key(),
			Users: append(demoidp.People, demoidp.User{Email: `"<b>a</b>"@` + v.domain, Name: "Markup"}, demoidp.User{Email: accountOwner, Name: "Carol"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		server.Config.Handler = idp.Handler()
		t.Cleanup(func() {
			_ = server.Listener.Close() // if no browser has started the server
			if server.URL != "" {
				server.Close()
			}
		})
		s.idps, s.servers = append(s.idps, idp), append(s.servers, server)
		s.hosts[server.Listener.Addr().String()] = idp.Handler()
		metadata := "metadata_file: " + v.slug + ".xml"
		if v.broken {
			metadata = "metadata_url: http://127.0.0.1:9/metadata" // where nothing listens
		}
		document := string(idp.Metadata())
		if v.posts {
			document = redirectBinding.ReplaceAllString(document, "")
		}
		s.write(v.slug+".xml", []byte(document))
		fmt.Fprintf(&list, "  - {slug: %s, name: %q, %s, domains: [%s], public: %t}\n", v.slug, v.name, metadata, v.domain, v.public)
	}
	s.env = map[string]string{
		"LISTEN_ADDR": fmt.Sprintf("localhost:%d", port), "PUBLIC_URL": s.url,
		"DATABASE_URL": databasetest.File(t, filepath.Join(s.dir, "devicegate.db")), "DATA_DIR": s.dir,
		"SECRET_KEY": strings.Repeat("a-key-for-tests-", 3), "TRUSTED_PROXIES": "127.0.0.0/8,::1", "LOG_LEVEL": "info",
		"OPENAPI_KNOWN_CLIENT_IDS": "difyctl," + markedUp,
	}
	s.write("saml-sp.pem", spkeystest.PEM(t, "service provider"))
	if len(through) > 0 {
		s.env["CONNECTIONS_FILE"] = s.write("connections.yaml", []byte("connections:\n"+list.String()))
	}
	return s
}

// served is a fixture with the given identity providers, or with one.
func served(t *testing.T, through ...via) *fixture {
	t.Helper()
	if len(through) == 0 {
		through = []via{acme}
	}
	s := newFixture(t, through...)
	s.serve()
	return s
}

func (s *fixture) write(name string, text []byte) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *fixture) serve() {
	s.t.Helper()
	c, err := bootstrap.Load(s.env)
	if err != nil {
		s.t.Fatal(err)
	}
	c.Clock = s.now
	log := slog.New(slog.NewJSONHandler(s.logs, nil))
	var handler http.Handler
	app := fx.New(bootstrap.Handler(c, log), fx.Populate(&handler, &s.clients, &s.store), fx.Decorate(
		func(store ports.Store) ports.Store { return failingStore{store, &s.storeDown} },
		func(ports.Accounts) ports.Accounts { return accountOwners{} },
	))
	if err := app.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			s.t.Error(err)
		}
	})
	public, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	s.hosts[public.Host] = handler
	resp, err := (&http.Client{Transport: proxied{s, ""}}).Get(s.url + "/saml/metadata")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	metadata, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, idp := range s.idps {
		if err := idp.Register(metadata); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *fixture) now() time.Time { return ports.SystemClock().Add(time.Duration(s.ahead.Load())) }

// advance moves devicegate's clock ahead.
func (s *fixture) advance(d time.Duration) { s.ahead.Add(int64(d)) }

// device begins a login at the given address, as a proxy would report it.
func (s *fixture) device(label, from string) demo.Codes {
	s.t.Helper()
	return s.deviceOf("difyctl", label, from)
}

func (s *fixture) deviceOf(client, label, from string) demo.Codes {
	s.t.Helper()
	d := demo.Device{API: s.url + "/openapi/v1", ClientID: client, Label: label, HTTP: &http.Client{Transport: proxied{s, from}}}
	codes, err := d.Start(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return codes
}

// deviceFor begins a login that names the person.
func (s *fixture) deviceFor(hint, from string) (codes demo.Codes) {
	s.t.Helper()
	resp, err := (&http.Client{Transport: proxied{s, from}}).PostForm(s.url+"/openapi/v1/oauth/device/code",
		url.Values{"client_id": {"difyctl"}, "login_hint": {hint}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&codes); err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("got status %d, %v, want the codes", resp.StatusCode, err)
	}
	return codes
}

// poll is what the device gets when it asks: "" is a token.
func (s *fixture) poll(codes demo.Codes) string {
	s.t.Helper()
	s.advance(time.Duration(codes.Interval) * time.Second)
	d := demo.Device{API: s.url + "/openapi/v1", ClientID: "difyctl", HTTP: &http.Client{Transport: proxied{s, ""}}}
	_, refused, err := d.Poll(s.t.Context(), codes.DeviceCode)
	if err != nil {
		s.t.Fatal(err)
	}
	return refused
}

// proxied reaches a site in this process, as a proxy does for the given address.
type proxied struct {
	site *fixture
	from string
}

func (c proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, known := c.site.hosts[r.URL.Host]
	if !known {
		return nil, fmt.Errorf("there is no host %s", r.URL.Host)
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "127.0.0.1:50000"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if c.from != "" {
		in.Header.Set("X-Forwarded-For", c.from)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// listens lets a browser reach the site.
func (s *fixture) listens() {
	s.t.Helper()
	s.listen.Do(func() {
		for _, server := range s.servers {
			server.Start()
		}
		public, err := url.Parse(s.url)
		if err != nil {
			s.t.Fatal(err)
		}
		listener, err := net.Listen("tcp", s.env["LISTEN_ADDR"])
		if err != nil {
			s.t.Fatal(err)
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s.hosts[public.Host]}}
		server.Start()
		s.t.Cleanup(server.Close)
	})
}

// failingStore is a store that answers nothing while it is down.
type failingStore struct {
	ports.Store
	down *atomic.Bool
}

var errStoreDown = errors.Join(fault.ErrUnavailable, errors.New("the test closed the store"))

func (s failingStore) View(ctx context.Context, fn func(context.Context, ports.Reader) error) error {
	if s.down.Load() {
		return errStoreDown
	}
	return s.Store.View(ctx, fn)
}

func (s failingStore) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	if s.down.Load() {
		return errStoreDown
	}
	return s.Store.Update(ctx, fn)
}

// accountOwner has an account of the platform, and signs in there instead.
const accountOwner = "carol@acme.example"

type accountOwners struct{}

func (accountOwners) Has(_ context.Context, email identity.Email) (bool, error) {
	return email.String() == accountOwner, nil
}
