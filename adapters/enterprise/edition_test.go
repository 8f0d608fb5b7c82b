package enterprise_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/enterprise"
	"github.com/devicegate/devicegate/adapters/enterprise/enterprisetest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

var (
	_ ports.Edition = (*enterprise.Edition)(nil)
	_ ports.Edition = enterprise.StaticEdition("")
)

// statuses are all that a licence may have, and whether they open the gate.
var statuses = map[string]bool{
	"active": true, "expiring": true,
	"none": false, "inactive": false, "expired": false, "lost": false, "": false, "Active": false, " active": false,
}

func newEdition(t *testing.T, inner *enterprisetest.Server) (*enterprise.Edition, *porttest.Clock) {
	t.Helper()
	w := porttest.NewClock(arrival)
	e, err := enterprise.NewEdition(config(t, inner.URL), w.Now)
	if err != nil {
		t.Fatal(err)
	}
	return e, w
}

func TestOnlyALicenceInForceOpensTheGate(t *testing.T) {
	for status, want := range statuses {
		t.Run("status "+status, func(t *testing.T) {
			if got := enterprise.StaticEdition(status).SSO(t.Context()); got != want {
				t.Errorf("by configuration: %v", got)
			}
			inner := enterprisetest.Start(t, apiSecret, signingKey)
			inner.License(status)
			e, _ := newEdition(t, inner)
			if got := e.SSO(t.Context()); got != want {
				t.Errorf("by the inner API: %v", got)
			}
		})
	}
}

func TestAnAnswerThatIsNoneKeepsTheGateShut(t *testing.T) {
	for what, answer := range map[string]struct {
		status int
		body   string
	}{
		"an error":          {500, `{"License":{"status":"active"}}`},
		"a wrong secret":    {401, `{"License":{"status":"active"}}`},
		"a redirect":        {302, `{"License":{"status":"active"}}`},
		"no licence":        {200, `{}`},
		"a null licence":    {200, `{"License":null}`},
		"no status":         {200, `{"License":{}}`},
		"another kind":      {200, `{"License":{"status":["active"]}}`},
		"a list":            {200, `[{"License":{"status":"active"}}]`},
		"not JSON":          {200, `active`},
		"truncated":         {200, `{"License":{"status":"active"}`},
		"nothing":           {200, ``},
		"more than is read": {200, `{"x":"` + strings.Repeat("x", 1<<20) + `","License":{"status":"active"}}`},
	} {
		t.Run(what, func(t *testing.T) {
			inner := enterprisetest.Start(t, apiSecret, signingKey)
			inner.Fail(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(answer.status)
				_, _ = io.WriteString(w, answer.body)
			})
			e, _ := newEdition(t, inner)
			if e.SSO(t.Context()) {
				t.Error("the gate is open")
			}
		})
	}
}

func TestALicenceInLowerCaseIsRead(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	inner.Fail(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"license":{"status":"expiring"}}`)
	})
	if e, _ := newEdition(t, inner); !e.SSO(t.Context()) {
		t.Error("the gate is shut")
	}
}

func TestAnAnswerIsTakenForAMinute(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	e, w := newEdition(t, inner)
	steps := []struct {
		after  time.Duration
		status string // "": the inner API is down
		open   bool
		asked  int
	}{
		{0, "active", true, 1},
		{59 * time.Second, "lost", true, 1}, // not asked again yet
		{time.Second, "lost", false, 2},
		{59 * time.Second, "active", false, 2},
		{time.Second, "active", true, 3},
		{59 * time.Second, "", true, 3}, // down, but the minute is not over
		{time.Second, "", false, 4},
		{4 * time.Second, "active", false, 4}, // up again, but just asked
		{time.Second, "active", true, 5},
	}
	for i, s := range steps {
		w.Pass(s.after)
		inner.License(s.status)
		inner.Fail(nil)
		if s.status == "" {
			inner.Fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		}
		if got := e.SSO(t.Context()); got != s.open {
			t.Errorf("step %d: open is %v", i, got)
		}
		if n := inner.Calls("/info"); n != s.asked {
			t.Errorf("step %d: the inner API was asked %d times, want %d", i, n, s.asked)
		}
	}
}

func TestManyWhoAskAtOnceShareOneQuestion(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	asked, released := make(chan struct{}), make(chan struct{})
	inner.Fail(func(w http.ResponseWriter, _ *http.Request) {
		close(asked) // a second question would panic here
		<-released
		_, _ = io.WriteString(w, `{"License":{"status":"active"}}`)
	})
	e, _ := newEdition(t, inner)

	// The first one starts the question, and leaves before it is answered.
	first, leave := context.WithCancel(t.Context())
	left := make(chan bool)
	go func() { left <- e.SSO(first) }()
	<-asked
	leave()
	if <-left {
		t.Error("who left was told that the gate is open")
	}

	const people = 20
	answers := make(chan bool, people)
	var waiting sync.WaitGroup
	for range people {
		waiting.Add(1)
		go func() {
			waiting.Done()
			answers <- e.SSO(t.Context())
		}()
	}
	waiting.Wait()
	close(released)
	for range people {
		if !<-answers {
			t.Error("the gate is shut for one of them")
		}
	}
	if n := inner.Calls("/info"); n != 1 {
		t.Errorf("the inner API was asked %d times", n)
	}
}

func TestTheModuleIsComplete(t *testing.T) {
	err := fx.ValidateApp(
		fx.Supply(config(t, enterprisetest.Start(t, apiSecret, signingKey).URL)),
		fx.Provide(func() ports.Clock { return ports.SystemClock }),
		enterprise.Module, fx.NopLogger,
		fx.Invoke(func(*enterprise.Broker, *enterprise.Edition) {}),
	)
	if err != nil {
		t.Error(err)
	}
}
