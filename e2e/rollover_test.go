package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/e2e/services"
)

// replicas are several services behind a load balancer, in turn.
type replicas struct {
	*move
	mu      sync.RWMutex // held by requests: a replica leaves when it has answered
	live    []*url.URL
	next    atomic.Int64
	stopped map[string]func()
}

func newReplicas(t *testing.T) *replicas {
	r := &replicas{move: newMove(t), stopped: map[string]func(){}}
	balancer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		target := r.live[int(r.next.Add(1))%len(r.live)]
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
		}, Transport: &http.Transport{DisableKeepAlives: true}}).ServeHTTP(w, req)
	}))
	t.Cleanup(balancer.Close)
	r.public = strings.Replace(balancer.URL, "127.0.0.1", "localhost", 1)
	r.Env["PUBLIC_URL"] = r.public
	return r
}

// replace starts a replica, or starts it anew with other settings, while the others
// serve.
func (r *replicas) replace(name string, change map[string]string) {
	r.t.Helper()
	if stop := r.stopped[name]; stop != nil {
		stop()
	}
	env := maps.Clone(r.Env)
	maps.Copy(env, change)
	address := fmt.Sprintf("localhost:%d", services.Port(r.t))
	env["LISTEN_ADDR"] = address
	c, err := bootstrap.Load(env)
	if err != nil {
		r.t.Fatal(err)
	}
	c.Clock, c.SAML.KeyWait = r.now, 15*time.Second // however busy the machine
	app := fx.New(bootstrap.Service(c, slog.New(slog.NewJSONHandler(r.Logs, nil))))
	if err := app.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	at := &url.URL{Scheme: "http", Host: address}
	r.mu.Lock()
	r.live = append(r.live, at)
	r.mu.Unlock()
	r.stopped[name] = sync.OnceFunc(func() {
		r.mu.Lock()
		r.live = slices.DeleteFunc(r.live, func(u *url.URL) bool { return u == at })
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(r.stopped[name])
}

// published waits until all replicas publish so many certificates for signing.
func (r *replicas) published(n int) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("%d certificates", n), func() bool {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return !slices.ContainsFunc(r.live, func(at *url.URL) bool { // not through the balancer, which others use, too
			return strings.Count(metadataAt(r.t, at.String(), "acme"), `use="signing"`) != n
		})
	})
}

// Our keys and SECRET_KEY are changed on two replicas while people sign in all the
// time. Requests are signed and assertions encrypted. No sign-in fails.
func TestOurKeysAndTheSecretRollOverUnderSignIns(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	r.Write("connections.yaml", []byte("connections:\n  - {slug: acme, metadata_file: acme.xml, domains: ['*'], sign_requests: always}\n"))
	r.replace("a", nil)
	r.replace("b", nil)
	r.published(1)
	r.register("acme", true)
	var keys *application.RotateKeys
	r.administer(&keys)

	ctx, done := context.WithCancel(t.Context())
	var live sync.WaitGroup
	var signIns atomic.Int64
	for range 2 {
		live.Go(func() {
			for ctx.Err() == nil {
				if err := r.signIn("acme"); err != nil {
					t.Errorf("a sign-in: got %v, want no error", err)
					return
				}
				signIns.Add(1)
			}
		})
	}
	// some lets people sign in meanwhile.
	some := func() {
		t.Helper()
		before := signIns.Load()
		r.eventually("people sign in", func() bool { return signIns.Load() >= before+4 || t.Failed() })
	}
	step := func(_ spkeys.RingSnapshot, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		some()
	}
	by := application.Rotation{By: audit.AdminOf("ops"), Early: true}
	some()
	step(keys.AddNext(ctx, by))
	r.published(2)
	r.register("acme", true)
	some()
	step(keys.Promote(ctx, by)) // the identity provider still encrypts for the old one
	r.published(1)
	some()
	r.clock.Lock() // responses that are under way are encrypted for the old one
	r.register("acme", true)
	_, err := keys.Retire(ctx, spkeys.Previous, by)
	r.clock.Unlock()
	step(spkeys.RingSnapshot{}, err)

	before, after := r.Env["SECRET_KEY"], strings.Repeat("another secret ", 4)
	for _, roll := range []map[string]string{
		{"SECRET_KEY": before, "SECRET_KEY_PREVIOUS": strings.TrimSpace(after)},
		{"SECRET_KEY": strings.TrimSpace(after), "SECRET_KEY_PREVIOUS": before},
		{"SECRET_KEY": strings.TrimSpace(after)},
	} {
		for _, name := range []string{"a", "b"} {
			r.replace(name, roll)
			some()
		}
	}
	done()
	live.Wait()
	if strings.Contains(r.Logs.String(), `"level":"ERROR"`) {
		t.Errorf("got errors in the log, want none:\n%s", r.Logs)
	}
}
