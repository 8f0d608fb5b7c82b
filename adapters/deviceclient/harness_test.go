package deviceclient_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

// clock moves when something waits.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.waits = c.now.Add(d), append(c.waits, d)
	return ctx.Err()
}

// reply is one answer of a scripted server; cut closes the connection instead.
type reply struct {
	status int
	header map[string]string
	body   string
	cut    bool
}

func word(word string) reply { return reply{status: 400, body: `{"error":"` + word + `"}`} }

// script is a server whose routes answer one reply after the other; the last
// one stays.
type script struct {
	mu     sync.Mutex
	routes map[string][]reply
	asked  []string // "METHOD path body"
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	queue := s.routes[r.URL.Path]
	if len(queue) == 0 {
		http.NotFound(w, r)
		return
	}
	next := queue[0]
	if len(queue) > 1 {
		s.routes[r.URL.Path] = queue[1:]
	}
	if next.cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range next.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(next.status)
	fmt.Fprint(w, strings.ReplaceAll(next.body, "SELF", "http://"+r.Host))
}

// count returns how often a request that begins with prefix came.
func (s *script) count(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, line := range s.asked {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

const (
	metadataPath = "/.well-known/oauth-authorization-server"
	metadataBody = `{"issuer":"SELF","device_authorization_endpoint":"SELF/d","token_endpoint":"SELF/t","revocation_endpoint":"SELF/r"}`
	codesBody    = `{"device_code":"dc_secret","user_code":"ABCD-EFGH","verification_uri":"SELF/device","expires_in":900,"interval":5}`
	tokenBody    = `{"access_token":"dfoe_secret","token_type":"Bearer","expires_in":3600,"scope":"apps:run"}`
	canonicalAPI = "/openapi/v1"
)

// run starts a server and a client of it.
func run(t *testing.T, routes map[string][]reply) (*deviceclient.Client, *clock, *script) {
	t.Helper()
	s := &script{routes: routes}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	at, err := deviceclient.ParseServer(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	now := &clock{now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	c := deviceclient.New(at, "difyctl")
	c.Now, c.Wait = now.Now, now.Wait
	return c, now, s
}

// standard and canonical are the routes of a login whose token endpoint answers
// as polls say.
func standard(polls ...reply) map[string][]reply {
	return map[string][]reply{metadataPath: {{status: 200, body: metadataBody}}, "/d": {{status: 200, body: codesBody}}, "/t": polls}
}

func canonical(polls ...reply) map[string][]reply {
	return map[string][]reply{canonicalAPI + "/oauth/device/code": {{status: 200, body: codesBody}}, canonicalAPI + "/oauth/device/token": polls}
}

func start(t *testing.T, c *deviceclient.Client) deviceclient.Authorization {
	t.Helper()
	a, err := c.Start(t.Context(), deviceclient.Login{Label: "laptop"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func equal(t *testing.T, got, want []time.Duration) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("waited %v, want %v", got, want)
	}
}
