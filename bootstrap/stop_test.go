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

// TestStopsUnderLoadLoseNoRequest stops a server eight times while clients send
// requests as fast as they can, half of them on connections that are kept and
// half on new ones (F56). Only a connection that is refused is no loss: the
// client knows that nothing was done.
func TestStopsUnderLoadLoseNoRequest(t *testing.T) {
	const stops, clients, between = 8, 8, 200
	var answered, lost atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	start := func(addr string) *httpServer {
		s := newHTTPServer(handler, slog.New(slog.DiscardHandler))
		if err := s.listen(t.Context(), addr, func() { t.Error("the server ended by itself") }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	server := start("127.0.0.1:0")
	addr := server.listener.Addr().String()

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
				resp, err := client.Post("http://"+addr, "text/plain", nil)
				switch {
				case err == nil:
					_ = resp.Body.Close()
					answered.Add(1)
				case errors.Is(err, syscall.ECONNREFUSED):
				default:
					lost.Add(1)
					t.Errorf("got %v", err)
				}
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range stops {
		for seen := answered.Load(); answered.Load() < seen+between && lost.Load() == 0; {
			<-tick.C
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := server.stop(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		server = start(addr)
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

// A draining server answers, and tells clients to leave their connection.
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
			t.Errorf("draining %t: got status %d, close %t", draining, resp.StatusCode, resp.Close)
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
