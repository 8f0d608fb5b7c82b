package bootstrap

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestStopsUnderLoadLoseNoRequest replaces a server eight times while clients
// send requests as fast as they can, half of them on connections that are kept
// and half on new ones (F56). As behind a load balancer, a request that begins
// later goes to the next server; those that have begun may be anywhere.
func TestStopsUnderLoadLoseNoRequest(t *testing.T) {
	const stops, clients, between = 8, 16, 300
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	start := func() *httpServer {
		s := newHTTPServer(handler, slog.New(slog.DiscardHandler))
		if err := s.listen(t.Context(), "127.0.0.1:0", func() { t.Error("the server ended by itself") }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	var balancer atomic.Pointer[string] // where requests go
	route := func(to *httpServer) {
		url := "http://" + to.listener.Addr().String()
		balancer.Store(&url)
	}
	server := start()
	route(server)

	var answered, lost atomic.Int64
	done := make(chan struct{})
	var load sync.WaitGroup
	for i := range clients {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
		load.Go(func() {
			defer client.CloseIdleConnections()
			for {
				select {
				case <-done:
					return
				default:
				}
				resp, err := client.Post(*balancer.Load(), "text/plain", nil)
				if err != nil {
					lost.Add(1)
					t.Errorf("got %v, want an answer", err)
					continue
				}
				_ = resp.Body.Close()
				answered.Add(1)
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range stops {
		for seen := answered.Load(); answered.Load() < seen+between && lost.Load() == 0; {
			<-tick.C
		}
		old := server
		server = start()
		route(server)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := old.stop(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
	close(done)
	load.Wait()
	if err := server.stop(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d requests were answered, %d were lost in %d stops", answered.Load(), lost.Load(), stops)
}

// An answer that is being written when the stop begins is written to its end.
func TestStopWaitsForWhatIsInFlight(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "done")
	}), slog.New(slog.DiscardHandler))
	if err := s.listen(t.Context(), "127.0.0.1:0", func() {}); err != nil {
		t.Fatal(err)
	}
	body := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + s.listener.Addr().String())
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		body <- string(text)
	}()
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop(t.Context()) }()
	<-s.listener.closed
	close(release)
	if got := <-body; got != "done" {
		t.Errorf("got %q, want done", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A draining server answers, and asks clients to close their connection.
func TestADrainingServerAnswersAndEndsConnections(t *testing.T) {
	s := newHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err := s.listen(t.Context(), "127.0.0.1:0", func() {}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.stop(t.Context()) }()
	for _, draining := range []bool{false, true} {
		if draining {
			s.drain()
		}
		resp, err := http.Get("http://" + s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Close != draining {
			t.Errorf("draining %t: got status %d, close %t, want 404 and Connection: close while draining", draining, resp.StatusCode, resp.Close)
		}
	}
}

// A server that never listened stops at once: a start that fails ends at once.
func TestAServerThatNeverListenedStopsAtOnce(t *testing.T) { // F48
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := newHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err := s.listen(t.Context(), taken.Addr().String(), func() {}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want address in use", err)
	}
	if err := s.stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAClosingListenerCanBeClosedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closing := &closingListener{Listener: l, closed: make(chan struct{})}
	for range 2 {
		if err := closing.Close(); err != nil {
			t.Errorf("got %v, want no error", err)
		}
	}
}
