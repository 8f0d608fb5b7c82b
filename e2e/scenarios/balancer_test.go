package scenarios

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer sends requests to replicas in turn, and to none that failed its last
// probes. It repeats no request by itself.
type balancer struct {
	public   string
	replicas []*replica
	next     atomic.Int64
}

type replica struct {
	address string
	ready   atomic.Bool
	sent    atomic.Int64
}

const (
	probeEvery = 100 * time.Millisecond
	// probesFailed take a replica out, as load balancers do: on a machine that is
	// overloaded one probe may be late. Together they are what a replica's
	// SHUTDOWN_DELAY has to be longer than.
	probesFailed = 3
)

// newBalancer counts as lost what it cannot forward, and errors of the service.
func newBalancer(t *testing.T, lost *lost, addresses ...string) *balancer {
	t.Helper()
	b := &balancer{}
	for _, address := range addresses {
		b.replicas = append(b.replicas, &replica{address: address})
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	forward := &httputil.ReverseProxy{
		Transport: transport, ErrorLog: log.New(lost, "", 0),
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			lost.add("%s %s was not forwarded: %v", req.Method, req.URL.Path, err)
			w.WriteHeader(http.StatusBadGateway)
		},
		ModifyResponse: func(resp *http.Response) error {
			if resp.StatusCode >= http.StatusInternalServerError {
				lost.add("%s %s was answered with %s", resp.Request.Method, resp.Request.URL.Path, resp.Status)
			}
			return nil
		},
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetURL(&url.URL{Scheme: "http", Host: b.pick()})
			p.Out.Host = p.In.Host
		},
	}
	// A body is read whole before it is forwarded: a server takes the rest of it away
	// when the answer begins, and the transport then breaks the answer off.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			lost.add("%s %s could not be read: %v", req.Method, req.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		req.Body = http.NoBody
		if len(body) > 0 {
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		forward.ServeHTTP(w, req)
	}))
	b.public = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)

	stopped := make(chan struct{})
	var probes sync.WaitGroup
	for _, r := range b.replicas {
		probes.Go(func() { r.probe(stopped) })
	}
	t.Cleanup(func() {
		close(stopped)
		probes.Wait()
		server.Close()
		transport.CloseIdleConnections()
	})
	return b
}

func (r *replica) probe(stopped <-chan struct{}) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	again := time.NewTicker(probeEvery)
	defer again.Stop()
	failed := probesFailed
	for {
		resp, err := client.Get("http://" + r.address + "/readyz")
		if err == nil {
			resp.Body.Close()
		}
		if failed++; err == nil && resp.StatusCode == http.StatusOK {
			failed = 0
		}
		r.ready.Store(failed < probesFailed)
		select {
		case <-stopped:
			return
		case <-again.C:
		}
	}
}

// pick is the address of the next replica that is ready. If there is none, the
// request fails. Each request looks at all of them, whatever others look at meanwhile.
func (b *balancer) pick() string {
	first := int(b.next.Add(1))
	for i := range b.replicas {
		r := b.replicas[(first+i)%len(b.replicas)]
		if r.ready.Load() {
			r.sent.Add(1)
			return r.address
		}
	}
	return "none-is-ready.invalid"
}

func TestRequestsAtTheSameTimeFindTheReplicaThatIsReady(t *testing.T) {
	t.Parallel()
	b := &balancer{replicas: []*replica{{address: "down"}, {address: "ready"}}}
	b.replicas[1].ready.Store(true)
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for range 2000 {
				if got := b.pick(); got != "ready" {
					t.Errorf("got %s, want the replica that is ready", got)
					return
				}
			}
		})
	}
	requests.Wait()
}
