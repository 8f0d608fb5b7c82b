package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// load sends requests at a steady rate, whether or not the last ones were answered:
// of ten, one start of a device, three polls and six requests with a token.
type load struct {
	f       *fixture
	lost    *lost
	client  *http.Client
	pending []*login
	tokens  []*login
	sent    atomic.Int64
	stop    func() // waits for the last answer
}

func (f *fixture) load(lost *lost, perSecond int, pending, tokens []*login) *load {
	l := &load{f: f, lost: lost, pending: pending, tokens: tokens, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
	stopped := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		next := time.NewTicker(time.Second / time.Duration(perSecond))
		defer next.Stop()
		for i := 0; ; i++ {
			select {
			case <-stopped:
				return
			case <-next.C:
				running.Go(func() { l.send(i) })
			}
		}
	})
	l.stop = sync.OnceFunc(func() { close(stopped); running.Wait(); l.client.CloseIdleConnections() })
	f.t.Cleanup(l.stop)
	return l
}

func (l *load) send(i int) {
	defer l.sent.Add(1)
	switch {
	case i%10 == 0:
		l.expect(l.f.logins.Add(1), http.MethodPost, "/oauth/device/code", map[string]string{"client_id": "difyctl"}, "", http.StatusOK)
	case i%10 < 4:
		one := l.pending[i%len(l.pending)]
		l.expect(one.n, http.MethodPost, "/oauth/device/token", map[string]string{"client_id": "difyctl", "device_code": one.codes.DeviceCode}, "", http.StatusBadRequest, "authorization_pending", "slow_down")
	default:
		one := l.tokens[i%len(l.tokens)]
		l.expect(one.n, http.MethodGet, "/account", nil, one.token, http.StatusOK)
	}
}

// expect sends a request and counts as lost what is not answered so.
func (l *load) expect(n int64, method, path string, body map[string]string, token string, want int, codes ...string) {
	text, _ := json.Marshal(body)
	req, err := http.NewRequest(method, l.f.public+"/openapi/v1"+path, bytes.NewReader(text))
	if err != nil {
		l.lost.add("%s: %v", path, err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", network(n).address)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		l.lost.add("%s: no answer: %v", path, err)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	var said struct{ Error string }
	_ = json.Unmarshal(answer, &said)
	known := len(codes) == 0
	for _, code := range codes {
		known = known || said.Error == code
	}
	if err != nil || resp.StatusCode != want || !known {
		l.lost.add("%s: %d %s (%v), not %d", path, resp.StatusCode, said.Error, err, want)
	}
}

// Two replicas are restarted one after the other under load. No request fails.
func TestARollingRestartUnderLoad(t *testing.T) {
	t.Parallel()
	a, b := fmt.Sprintf("localhost:%d", services.Port(t)), fmt.Sprintf("localhost:%d", services.Port(t))
	var lost lost
	front := newBalancer(t, &lost, a, b)
	f := newFixture(t, front.public, services.Postgres(t), services.PrivateRedis(t).URL())
	f.Env["SHUTDOWN_DELAY"] = either("5s", "1s")
	running := []*process{f.serve(a), f.serve(b)}
	ready := func() bool { return front.replicas[0].ready.Load() && front.replicas[1].ready.Load() }
	systemtest.Within(t, time.Minute, "both replicas are ready", ready)
	f.introduce()

	interrupted, err := f.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pending, tokens []*login
	for range 4 {
		waits, err := f.start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done, err := f.logIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pending, tokens = append(pending, waits), append(tokens, done)
	}

	perSecond := either(*rate, 40)
	people := f.people(1, &lost)
	load := f.load(&lost, perSecond, pending, tokens)
	began := time.Now()
	served := func(r *replica, n int64) {
		t.Helper()
		before := r.sent.Load()
		systemtest.Within(t, time.Minute, "the replica serves", func() bool { return r.sent.Load() >= before+n })
	}
	restarts := 0
	for range either(3, 1) {
		for i, r := range front.replicas {
			served(r, 20)
			running[i].Stop()
			running[i] = f.serve(r.address)
			systemtest.Within(t, time.Minute, "both replicas are ready", ready)
			served(r, 20)
			restarts++
		}
	}
	load.stop()
	people.stop()
	took := time.Since(began)
	if err := interrupted.finish(t.Context()); err != nil {
		lost.add("a login that was pending: %v", err)
	}
	works := people.allWork(&lost)
	lost.outcome(t, "%d restarts, %d requests in %s, %.0f a second, beside %d whole logins",
		restarts, load.sent.Load(), took.Round(time.Second), float64(load.sent.Load())/took.Seconds(), works)
}
