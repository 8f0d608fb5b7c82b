package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// move is a fixture with three connections that are registered with the legacy
// callback, each at an identity provider of its own.
type move struct {
	*fixture
	idps  map[string]*demoidp.IdP
	clock sync.RWMutex // held by sign-ins, which do not survive a leap of the clock
	from  atomic.Int64 // addresses of browsers, so that no limit is met
}

var movedSlugs = []string{"acme", "beta", "gamma"}

func newMove(t *testing.T) *move {
	m := &move{fixture: newFixture(t, "sqlite:"+t.TempDir()+"/gate.db", ""), idps: map[string]*demoidp.IdP{}}
	text := "connections:\n"
	for _, slug := range movedSlugs {
		server := httptest.NewUnstartedServer(nil)
		idp, err := demoidp.New(demoidp.Config{URL: "http://" + server.Listener.Addr().String(), Now: m.now})
		if err != nil {
			t.Fatal(err)
		}
		server.Config.Handler = idp.Handler()
		server.Start()
		t.Cleanup(server.Close)
		m.idps[slug] = idp
		m.Write(slug+".xml", idp.Metadata())
		text += fmt.Sprintf("  - {slug: %s, metadata_file: %s.xml, domains: ['*'], acs_mount: legacy}\n", slug, slug)
	}
	m.Write("connections.yaml", []byte(text))
	return m
}

// metadata is ours for one connection.
func (m *move) metadata(slug string) string {
	m.t.Helper()
	return metadataAt(m.t, m.public, slug)
}

// metadataAt is what the service at an address publishes for a connection.
func metadataAt(t testing.TB, address, slug string) string {
	t.Helper()
	resp, err := http.Get(address + "/saml/metadata/" + slug)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v, want 200", resp.Status, err)
	}
	return string(text)
}

var canonicalLine = regexp.MustCompile(`.*AssertionConsumerService.*/openapi/v1/.*\n`)

// register gives an identity provider our metadata; without the canonical callback
// it refuses requests that name it, by an error page of its own.
func (m *move) register(slug string, knowsCanonical bool) {
	m.t.Helper()
	text := m.metadata(slug)
	if !knowsCanonical {
		text = canonicalLine.ReplaceAllString(text, "")
	}
	if err := m.idps[slug].Register([]byte(text)); err != nil {
		m.t.Fatal(err)
	}
}

// leap moves the clock between sign-ins.
func (m *move) leap(d time.Duration) {
	m.clock.Lock()
	defer m.clock.Unlock()
	m.skip(d)
}

// visitor is a browser at an address of its own.
type visitor struct {
	client *http.Client
	from   string
}

func (m *move) visitor() *visitor {
	jar, _ := cookiejar.New(nil) // never fails
	n := m.from.Add(1)
	return &visitor{&http.Client{Jar: jar, Timeout: 20 * time.Second}, fmt.Sprintf("10.%d.%d.1", n/250, n%250)}
}

// page is what a browser shows.
type page struct {
	address *url.URL
	status  int
	text    string
}

func (v *visitor) send(method, address string, form url.Values) (page, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return page{}, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("X-Forwarded-For", v.from)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return page{resp.Request.URL, resp.StatusCode, string(text)}, err
}

var (
	actionForm = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hiddenForm = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// submit sends the form of a page, with more fields.
func (v *visitor) submit(p page, more url.Values) (page, error) {
	action := actionForm.FindStringSubmatch(p.text)
	if action == nil {
		return p, fmt.Errorf("%s (%d) has no form: %.200s", p.address.Redacted(), p.status, p.text)
	}
	form := url.Values{}
	for _, field := range hiddenForm.FindAllStringSubmatch(p.text, -1) {
		form.Set(field[1], unescape(field[2]))
	}
	for name, values := range more {
		form[name] = values
	}
	to, err := p.address.Parse(unescape(action[1]))
	if err != nil {
		return p, err
	}
	return v.send(http.MethodPost, to.String(), form)
}

func unescape(s string) string {
	return strings.NewReplacer("&#43;", "+", "&amp;", "&", "&#34;", `"`).Replace(s)
}

var credentials = url.Values{"user": {"alice"}, "password": {"password"}, "action": {"sign-in"}}

// begin goes to the identity provider's form.
func (m *move) begin(v *visitor, slug string) (page, error) {
	return v.send(http.MethodGet, m.public+"/device/sessions/sign-in?connection="+slug, nil)
}

// finish signs in there and comes back.
func (v *visitor) finish(p page) (page, error) {
	p, err := v.submit(p, credentials)
	if err != nil {
		return p, err
	}
	return v.submit(p, nil)
}

// signIn is a whole sign-in to the list of one's own devices.
func (m *move) signIn(slug string) error {
	m.clock.RLock()
	defer m.clock.RUnlock()
	v := m.visitor()
	p, err := m.begin(v, slug)
	if err == nil {
		p, err = v.finish(p)
	}
	if err == nil && (p.status != http.StatusOK || p.address.Path != "/device/sessions") {
		err = fmt.Errorf("ended at %s (%d)", p.address.Redacted(), p.status)
	}
	return err
}

// everyone signs in through each connection.
func (m *move) everyone() {
	m.t.Helper()
	for _, slug := range movedSlugs {
		if err := m.signIn(slug); err != nil {
			m.t.Fatalf("a sign-in through %s: got %v, want no error", slug, err)
		}
	}
}

// administer runs use cases as commands do.
func (m *move) administer(targets ...any) {
	m.t.Helper()
	c, err := bootstrap.Load(m.Env)
	if err != nil {
		m.t.Fatal(err)
	}
	c.Clock = m.now
	app := fx.New(bootstrap.Administration(c, slog.New(slog.DiscardHandler)), fx.Populate(targets...))
	if err := app.Start(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = app.Stop(context.WithoutCancel(m.t.Context())) })
}

// refusesToStart is what a start without the legacy routes says.
func (m *move) refusesToStart() string {
	m.t.Helper()
	env := map[string]string{"LEGACY_ROUTES": "off"}
	for name, value := range m.Env {
		if _, set := env[name]; !set {
			env[name] = value
		}
	}
	c, err := bootstrap.Load(env)
	if err != nil {
		m.t.Fatal(err)
	}
	c.Clock = m.now
	app := fx.New(bootstrap.Service(c, slog.New(slog.DiscardHandler)))
	err = app.Start(m.t.Context())
	if err == nil {
		_ = app.Stop(m.t.Context())
		m.t.Fatal("got it started, want an error")
	}
	return err.Error()
}

// Three identity providers move from the legacy callback to the canonical one
// while people sign in all the time. One of them does not know the new callback
// at first. No sign-in fails.
func TestThreeConnectionsMoveToTheCanonicalCallback(t *testing.T) {
	t.Parallel()
	m := newMove(t)
	if refused := m.refusesToStart(); !strings.Contains(refused, "LEGACY_ROUTES") || !strings.Contains(refused, "connection gamma") {
		t.Errorf("got %q, want the connections that need the legacy callback", refused)
	}
	stop := m.serve()
	m.register("acme", true)
	m.register("beta", true)
	m.register("gamma", false)
	var status *application.ACSStatus
	var test *application.TestACS
	var closing *application.CloseLegacyACS
	var store ports.Store
	m.administer(&status, &test, &closing, &store)

	verdicts := func(want ...string) {
		t.Helper()
		states, err := status.Execute(t.Context())
		if err != nil || len(states) != len(want) {
			t.Fatalf("got %d connections, %v, want each once", len(states), err)
		}
		for i, s := range states {
			if got := s.Verdict.String() + ", test " + string(s.Test); got != want[i] {
				t.Errorf("%s: got %q, want %q", s.Connection.Slug(), got, want[i])
			}
		}
	}
	try := func(slug string) page {
		t.Helper()
		m.clock.RLock()
		defer m.clock.RUnlock()
		made, err := test.Execute(t.Context(), slug, audit.AdminOf("ops"), request.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		v := m.visitor()
		p, err := v.send(http.MethodGet, m.public+"/saml/test?link="+made.Link.Reveal(), nil)
		if err == nil {
			p, err = v.submit(p, nil)
		}
		if err == nil && p.status == http.StatusOK {
			p, err = v.finish(p)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}

	m.everyone()
	verdicts("legacy only, test ", "legacy only, test ", "legacy only, test ")

	ctx, done := context.WithCancel(t.Context())
	var live sync.WaitGroup
	var signIns atomic.Int64
	for _, slug := range movedSlugs {
		live.Go(func() {
			for ctx.Err() == nil {
				if err := m.signIn(slug); err != nil {
					t.Errorf("a live sign-in through %s: got %v, want no error", slug, err)
					return
				}
				signIns.Add(1)
			}
		})
	}
	underWay := m.visitor() // its request names the legacy callback
	m.clock.RLock()
	form, err := m.begin(underWay, "acme")
	if err != nil {
		t.Fatal(err)
	}
	for _, slug := range []string{"acme", "beta"} {
		if p := try(slug); p.status != http.StatusOK || !strings.Contains(p.text, "The test has passed") || !strings.Contains(p.text, "alice@acme.example") {
			t.Errorf("%s: got %d %s, want a test that passed", slug, p.status, p.text)
		}
	}
	if p, err := underWay.finish(form); err != nil || p.address.Path != "/device/sessions" {
		t.Errorf("a sign-in that was under way: got %s, %v, want it completed", p.address, err)
	}
	m.clock.RUnlock()
	if p := try("gamma"); p.status < 400 || strings.HasPrefix(p.address.String(), m.public) {
		t.Errorf("gamma: got %d at %s, want the identity provider's error page", p.status, p.address)
	}
	m.leap(5 * time.Minute)
	m.everyone()
	verdicts("canonical for 0 days, test passed", "canonical for 0 days, test passed", "legacy only, test no answer")

	m.register("gamma", true)
	if p := try("gamma"); !strings.Contains(p.text, "The test has passed") {
		t.Errorf("gamma: got %d %s, want a test that passed", p.status, p.text)
	}
	m.everyone()
	m.eventually("people sign in all the time", func() bool { return signIns.Load() >= 9 || t.Failed() })
	done()
	live.Wait()
	if err := closing.Execute(t.Context(), application.Closing{By: audit.AdminOf("ops")}); err == nil || !strings.Contains(err.Error(), "came to the legacy callback") {
		t.Errorf("close: got %v, want the responses of today", err)
	}

	m.leap(7 * 24 * time.Hour)
	for _, slug := range movedSlugs {
		if text := m.metadata(slug); strings.Contains(text, connection.Legacy.ACSPath()) {
			t.Errorf("%s: got the legacy callback in the metadata, want it gone", slug)
		}
		m.register(slug, true)
	}
	m.everyone()
	verdicts("canonical for 7 days, test passed", "canonical for 7 days, test passed", "canonical for 7 days, test passed")
	if err := closing.Execute(t.Context(), application.Closing{By: audit.AdminOf("ops")}); err != nil {
		t.Errorf("close: got %v, want no error", err)
	}
	stop()
	m.Env["LEGACY_ROUTES"] = "off"
	m.serve()
	m.everyone()

	err = store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
		failed, err := r.Audit().Events(ctx, ports.AuditFilter{Kind: audit.LoginFailed})
		if len(failed) != 0 {
			t.Errorf("got %d failed sign-ins, want none: %+v", len(failed), failed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
