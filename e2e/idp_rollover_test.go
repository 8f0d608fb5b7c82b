package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys/spkeystest"
	"github.com/devicegate/devicegate/e2e/systemtest"
	"github.com/devicegate/devicegate/ports"
)

// rollingIdP is one identity provider with an old and a new key, at one address.
// What it signs with and what its metadata publishes are changed by the test.
type rollingIdP struct {
	old, new *demoidp.IdP
	address  string
	signs    atomic.Pointer[http.Handler]
	document atomic.Pointer[string]
	fetched  atomic.Int64 // how often its metadata was fetched
	logins   atomic.Int64 // how many people it has answered
	hold     atomic.Int64 // logins that the next fetch of the metadata waits for
}

func newRollingIdP(t *testing.T, now func() time.Time) *rollingIdP {
	server := httptest.NewUnstartedServer(nil)
	p := &rollingIdP{address: "http://" + server.Listener.Addr().String()}
	made := func(key string) *demoidp.IdP {
		idp, err := demoidp.New(demoidp.Config{URL: p.address, Now: now, Key: spkeystest.Pair(t, key).Key()})
		if err != nil {
			t.Fatal(err)
		}
		return idp
	}
	p.old, p.new = made("identity provider"), made("next identity provider")
	p.signBy(p.old)
	p.publish(p.old)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/metadata":
			p.fetched.Add(1)
			p.await(r.Context())
			fmt.Fprint(w, *p.document.Load())
		default:
			(*p.signs.Load()).ServeHTTP(w, r)
			if r.URL.Path == "/login" {
				p.logins.Add(1)
			}
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// await ends when as many people were answered as the test wants.
func (p *rollingIdP) await(ctx context.Context) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for p.logins.Load() < p.hold.Load() {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *rollingIdP) signBy(idp *demoidp.IdP) {
	h := idp.Handler()
	p.signs.Store(&h)
}

var keyDescriptor = regexp.MustCompile(`(?s)<KeyDescriptor.*</KeyDescriptor>`)

// publish makes the metadata name the keys of these.
func (p *rollingIdP) publish(all ...*demoidp.IdP) {
	keys := ""
	for _, idp := range all {
		keys += keyDescriptor.FindString(string(idp.Metadata()))
	}
	text := keyDescriptor.ReplaceAllLiteralString(string(p.old.Metadata()), keys)
	p.document.Store(&text)
}

// rollover is two replicas with sign-ins at all times, through an identity
// provider whose certificate is changed.
type rollover struct {
	*replicas
	*rollingIdP
	refresh *application.RefreshMetadata
	store   ports.Store
	signIns atomic.Int64
	tickets chan struct{} // one for each sign-in
	end     func()
}

const (
	signInBy = 4   // how many people sign in at a time
	mostIn   = 100 // sign-ins between two calls of some, so that a slow machine makes no more of them
)

func newRollover(t *testing.T) *rollover {
	r := &rollover{replicas: newReplicas(t), tickets: make(chan struct{}, mostIn)}
	r.rollingIdP = newRollingIdP(t, r.now)
	r.Write("connections.yaml", []byte(fmt.Sprintf(
		"connections:\n  - {slug: acme, metadata_url: %s/metadata, metadata_private: true, domains: ['*']}\n", r.address)))
	r.replace("a", nil)
	r.replace("b", nil)
	for _, idp := range []*demoidp.IdP{r.old, r.new} {
		r.idps["acme"] = idp
		r.register("acme", true)
	}
	r.administer(&r.refresh, &r.store)
	ctx, done := context.WithCancel(t.Context())
	var live sync.WaitGroup
	for range signInBy {
		live.Go(func() {
			for {
				select {
				case <-r.tickets:
				case <-ctx.Done():
					return
				}
				if err := r.signIn("acme"); err != nil {
					t.Errorf("a sign-in: got %v, want no error", err)
					return
				}
				r.signIns.Add(1)
			}
		})
	}
	r.end = sync.OnceFunc(func() { done(); live.Wait() })
	t.Cleanup(r.end)
	r.some()
	return r
}

// some lets people sign in meanwhile, so many that both replicas take part.
func (r *rollover) some() {
	r.t.Helper()
	for len(r.tickets) < mostIn {
		r.tickets <- struct{}{}
	}
	before := r.signIns.Load()
	systemtest.Within(r.t, time.Minute, "people sign in", func() bool { return r.signIns.Load() >= before+2*signInBy || r.t.Failed() })
	if r.t.Failed() {
		r.t.FailNow()
	}
}

// between runs a change of the identity provider while no sign-in is under way.
func (r *rollover) between(change func()) {
	r.clock.Lock()
	defer r.clock.Unlock()
	change()
}

// scheduled is what the worker does an hour after the last fetch.
func (r *rollover) scheduled() {
	r.t.Helper()
	r.leap(61 * time.Minute)
	if n, err := r.refresh.ExecuteDue(r.t.Context()); n != 1 || err != nil {
		r.t.Fatalf("refresh: got %d changed copies, %v, want 1", n, err)
	}
}

// fetches checks how often the metadata was fetched since before.
func (r *rollover) fetches(before, want int64) {
	r.t.Helper()
	if got := r.fetched.Load() - before; got != want {
		r.t.Errorf("got %d fetches of the metadata, want %d", got, want)
	}
}

// noneFailed checks the audit and the log, after the people have left.
func (r *rollover) noneFailed() {
	r.t.Helper()
	r.end()
	err := r.store.View(r.t.Context(), func(ctx context.Context, tx ports.Reader) error {
		failed, err := tx.Audit().Events(ctx, ports.AuditFilter{Kind: audit.LoginFailed})
		if len(failed) != 0 {
			r.t.Errorf("got %d failed sign-ins, want none: %+v", len(failed), failed)
		}
		return err
	})
	if err != nil {
		r.t.Error(err)
	}
	if strings.Contains(r.Logs.String(), `"level":"ERROR"`) {
		r.t.Errorf("got errors in the log, want none:\n%s", r.Logs)
	}
}

// An identity provider changes its certificate as it should: both are published, then
// it signs with the new one, then the old one goes. No sign-in fails, and none has to
// fetch metadata.
func TestAnIdentityProvidersCertificateRollsOverUnderSignIns(t *testing.T) {
	t.Parallel()
	r := newRollover(t)
	before := r.fetched.Load()
	r.publish(r.old, r.new)
	r.scheduled()
	r.some()
	r.between(func() { r.signBy(r.new) })
	r.some()
	r.publish(r.new)
	r.scheduled()
	r.some()
	r.noneFailed()
	r.fetches(before, 2)

	r.signBy(r.old)
	r.eventually("both replicas refuse the certificate that went", func() bool {
		for range 4 {
			if r.signIn("acme") == nil {
				return false
			}
		}
		return true
	})
}

// An identity provider signs with a new certificate before the schedule fetches the
// metadata that has it, and publishes the old one no more. The first response that
// has it makes one replica fetch; responses at the same time, at both replicas, wait
// for that. No sign-in fails.
func TestAnIdentityProviderSignsWithANewCertificateAtOnce(t *testing.T) {
	t.Parallel()
	r := newRollover(t)
	for range 2 {
		r.leap(2 * time.Minute) // the last fetch is longer ago than the least gap
		before := r.fetched.Load()
		r.between(func() {
			r.hold.Store(r.logins.Load() + signInBy)
			r.signBy(r.new)
			r.publish(r.new)
		})
		r.some()
		r.fetches(before, 1)
		r.old, r.new = r.new, r.old // and back
	}
	r.noneFailed()
}
