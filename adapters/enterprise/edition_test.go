package enterprise_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/devicegate/devicegate/adapters/enterprise"
	"github.com/devicegate/devicegate/adapters/enterprise/enterprisetest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// licence is an edition of which a test moves the clock, and its log.
type licence struct {
	*enterprise.Edition
	inner *enterprisetest.Server
	clock *porttest.Clock
	log   strings.Builder
}

func newLicence(t *testing.T, changes ...func(*enterprise.Config)) *licence {
	t.Helper()
	l := &licence{inner: enterprisetest.Start(t, apiSecret, signingKey), clock: porttest.NewClock(arrival)}
	cfg := config(t, l.inner.URL)
	for _, change := range changes {
		change(&cfg)
	}
	var err error
	l.Edition, err = enterprise.NewEdition(cfg, l.clock.Now, slog.New(slog.NewTextHandler(&l.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *licence) down(status int) {
	l.inner.Fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func TestEdition(t *testing.T) {
	t.Run("by configuration", func(t *testing.T) {
		porttest.Edition(t, func(_ *testing.T, status string) ports.Edition { return enterprise.StaticEdition(status) })
	})
	t.Run("by the inner API", func(t *testing.T) {
		porttest.EditionBySource(t, func(t *testing.T) porttest.EditionWithSource {
			l := newLicence(t)
			over := make(chan struct{})
			t.Cleanup(func() { close(over) })
			return porttest.EditionWithSource{
				Edition: l,
				License: func(status string) { l.inner.License(status); l.inner.Fail(nil) },
				Fail:    func() { l.down(http.StatusBadGateway) },
				Hang:    func() { l.inner.Fail(func(http.ResponseWriter, *http.Request) { <-over }) },
				Refresh: func() { l.Refresh(context.Background()) },
			}
		})
	})
}

func TestUnusableAnswersDoNotLicense(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
		cause  string
	}{
		"an error":          {500, `{"License":{"status":"active"}}`, "inner_api_status: expected status 2xx, received status 500"},
		"a wrong secret":    {401, `{"License":{"status":"active"}}`, "inner_api_unauthorized"},
		"a redirect":        {302, `{"License":{"status":"active"}}`, "inner_api_status"},
		"no licence":        {200, `{}`, `the licence is ""`},
		"a null licence":    {200, `{"License":null}`, `the licence is ""`},
		"no status":         {200, `{"License":{}}`, `the licence is ""`},
		"another kind":      {200, `{"License":{"status":["active"]}}`, "inner_api_answer"},
		"a list":            {200, `[{"License":{"status":"active"}}]`, "inner_api_answer"},
		"not JSON":          {200, `active`, "inner_api_answer"},
		"truncated":         {200, `{"License":{"status":"active"}`, "inner_api_answer"},
		"nothing":           {200, ``, "inner_api_answer"},
		"more than is read": {200, `{"x":"` + strings.Repeat("x", 1<<20) + `","License":{"status":"active"}}`, "inner_api_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLicence(t)
			l.inner.Fail(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(answer.status)
				_, _ = io.WriteString(w, answer.body)
			})
			if err := l.SSO(t.Context()); err == nil || !strings.Contains(err.Error(), answer.cause) {
				t.Errorf("got %v, want %q", err, answer.cause)
			}
		})
	}
}

func TestLicenceInLowerCaseIsRead(t *testing.T) {
	l := newLicence(t)
	l.inner.Fail(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"license":{"status":"expiring"}}`)
	})
	if err := l.SSO(t.Context()); err != nil {
		t.Errorf("got %v, want licensed", err)
	}
}

// F06: the last answer holds for the grace time, and the cause is logged once.
func TestLastLicenceHoldsForTheGraceTime(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*enterprise.Config)
		grace  time.Duration
	}{
		"by default":    {func(*enterprise.Config) {}, 24 * time.Hour},
		"as configured": {func(c *enterprise.Config) { c.LicenseGrace = time.Hour }, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLicence(t, tc.change)
			after := func(d time.Duration, want bool, logs ...string) {
				t.Helper()
				l.clock.Advance(d)
				l.log.Reset()
				l.Refresh(t.Context())
				if err := l.SSO(t.Context()); (err == nil) != want {
					t.Errorf("got %v, want licensed %v", err, want)
				}
				lines := strings.FieldsFunc(l.log.String(), func(r rune) bool { return r == '\n' })
				if len(lines) != len(logs) {
					t.Fatalf("got log %q, want %q", lines, logs)
				}
				for i, want := range logs {
					if !strings.Contains(lines[i], want) {
						t.Errorf("got log %q, want %q", lines[i], want)
					}
				}
			}
			if err := l.SSO(t.Context()); err != nil {
				t.Fatal(err)
			}
			after(time.Minute, true)
			l.down(http.StatusBadGateway)
			after(time.Minute, true, "received status 502")
			after(time.Second, true)
			l.down(http.StatusUnauthorized)
			after(time.Second, true, "inner_api_unauthorized")
			after(tc.grace-time.Minute-3*time.Second, true)
			after(time.Second, false, "level=ERROR")
			after(time.Minute, false)
			if err := l.SSO(t.Context()); !strings.Contains(err.Error(), "inner_api_unauthorized") {
				t.Errorf("got %v, want the cause in it", err)
			}
			l.inner.Fail(nil)
			after(time.Minute, true, "licence allows sign-in")
			l.inner.License("lost")
			after(time.Minute, false, "level=WARN msg=\"licence does not allow sign-in\" status=lost")
			l.down(http.StatusBadGateway)
			after(time.Minute, false, "received status 502")
		})
	}
}

func TestNoLicenceErrorHasTheSecretOrTheURL(t *testing.T) {
	l := newLicence(t, func(c *enterprise.Config) {
		c.URL = &url.URL{Scheme: "http", Host: "127.0.0.1:1", User: url.UserPassword("gate", "pass-in-url"), Path: "/inner"}
	})
	err := l.SSO(t.Context())
	if err == nil || !strings.Contains(err.Error(), "inner_api_unreachable") {
		t.Fatalf("got %v, want inner_api_unreachable", err)
	}
	for _, unwanted := range []string{apiSecret, "pass-in-url", "/inner"} {
		if strings.Contains(err.Error()+l.log.String(), unwanted) {
			t.Errorf("got %q in %v %s", unwanted, err, l.log.String())
		}
	}
}

func TestRequestsShareTheFirstQuestion(t *testing.T) {
	l := newLicence(t)
	asked, released := make(chan struct{}), make(chan struct{})
	l.inner.Fail(func(w http.ResponseWriter, _ *http.Request) {
		close(asked) // a second question would panic here
		<-released
		_, _ = io.WriteString(w, `{"License":{"status":"active"}}`)
	})

	// The request that starts the question ends before the answer.
	first, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- l.SSO(first) }()
	<-asked
	leave()
	if err := <-left; err == nil {
		t.Error("got licensed without an answer, want an error")
	}

	const requests = 20
	answers := make(chan error, requests)
	var waiting sync.WaitGroup
	for range requests {
		waiting.Add(1)
		go func() {
			waiting.Done()
			answers <- l.SSO(t.Context())
		}()
	}
	waiting.Wait()
	close(released)
	for range requests {
		if err := <-answers; err != nil {
			t.Errorf("got %v, want licensed", err)
		}
	}
	if n := l.inner.Calls("/info"); n != 1 {
		t.Errorf("got %d questions, want 1", n)
	}
}

// innerAPI answers calls without a network.
type innerAPI struct {
	mu     sync.Mutex
	asked  int
	answer http.HandlerFunc
}

func (a *innerAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	w := httptest.NewRecorder()
	a.answer(w, r)
	return w.Result(), nil
}

func (a *innerAPI) answers(status int, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (a *innerAPI) questions() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.asked = 0 }()
	return a.asked
}

// F06: the licence is refreshed beside the requests.
func TestLicenceIsRefreshedInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &innerAPI{}
		api.answers(http.StatusOK, `{"License":{"status":"active"}}`)
		cfg := config(t, &url.URL{Scheme: "http", Host: "inner.test"})
		cfg.Transport = api
		e, err := enterprise.NewEdition(cfg, ports.SystemClock, quiet)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			e.Run(ctx)
		}()
		passes := func(d time.Duration, questions int, licensed bool) {
			t.Helper()
			time.Sleep(d) // of the bubble's clock
			synctest.Wait()
			if got := api.questions(); got != questions {
				t.Errorf("got %d questions in %s, want %d", got, d, questions)
			}
			for range 10 {
				if err := e.SSO(ctx); (err == nil) != licensed {
					t.Errorf("got %v, want licensed %v", err, licensed)
				}
			}
			if got := api.questions(); got != 0 {
				t.Errorf("got %d questions by requests, want 0", got)
			}
		}
		passes(time.Second, 1, true)
		passes(time.Hour, 60, true)
		api.answers(http.StatusBadGateway, "")
		passes(time.Minute, 1, true)
		passes(time.Minute, 12, true) // every five seconds
		api.answers(http.StatusOK, `{"License":{"status":"expired"}}`)
		passes(5*time.Second, 1, false)
		stop()
		<-done
	})
}

func TestModuleRunsTheEdition(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	var e *enterprise.Edition
	var b *enterprise.Broker
	app := fxtest.New(t, enterprise.Module, fx.Populate(&e, &b), fx.Supply(config(t, inner.URL), ports.Clock(ports.SystemClock), quiet))
	app.RequireStart()
	if err := e.SSO(t.Context()); err != nil {
		t.Errorf("got %v, want licensed", err)
	}
	app.RequireStop()
	if n := inner.Calls("/info"); n != 1 {
		t.Errorf("got %d questions, want 1", n)
	}
}
