package bootstrap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds against clients that send or read slowly. The idle time is longer than
// that of usual clients and proxies: the side that closes last loses a request.
const (
	headerTime = 10 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 120 * time.Second
	headerMax  = 64 << 10
)

// httpServer is an [http.Server] that ends without losing a request.
//
// http.Server.Shutdown closes connections that the kernel has accepted and
// connections whose request it has just read. So stop hands over what the
// kernel has accepted, closes the listener, and answers what still comes on the
// connections that are open; Shutdown comes last.
type httpServer struct {
	server   *http.Server
	log      *slog.Logger
	tls      *tls.Config // nil: none
	listener *closingListener
	draining atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]connState
}

type connState struct {
	state http.ConnState
	since time.Time // zero of an active one
}

func newHTTPServer(handler http.Handler, log *slog.Logger) *httpServer {
	s := &httpServer{log: log, conns: map[net.Conn]connState{}}
	s.server = &http.Server{
		Handler: s.closeWhenDraining(handler), ConnState: s.track,
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime,
		WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: headerMax,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// listen returns when connections are accepted, or why they cannot be. It calls
// died if the server ends before stop is called.
func (s *httpServer) listen(ctx context.Context, addr string, died func()) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s.log.InfoContext(ctx, "listening", "address", l.Addr().String())
	s.listener = &closingListener{Listener: l, closed: make(chan struct{})}
	accepted := net.Listener(s.listener)
	if s.tls != nil {
		accepted = tls.NewListener(s.listener, s.tls)
	}
	go func() {
		if err := s.server.Serve(accepted); !errors.Is(err, http.ErrServerClosed) && !s.listener.closing.Load() {
			s.log.Error("server ended", "address", addr, "error", err)
			died()
		}
	}()
	return nil
}

// drain tells each client with its next answer to leave this connection.
func (s *httpServer) drain() { s.draining.Store(true) }

func (s *httpServer) closeWhenDraining(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// stop refuses new connections, answers what has come, and ends.
func (s *httpServer) stop(ctx context.Context) error {
	s.drain()
	if s.listener != nil {
		s.listener.closeGracefully(ctx)
		s.awaitQuiet(ctx)
	}
	return s.server.Shutdown(ctx)
}

const (
	quietTime = 500 * time.Millisecond // an idle client sends its next request within it, or not soon
	newTime   = time.Second            // a new client sends its first request within it, or not soon
	quietMax  = 5 * time.Second
	quietTick = 10 * time.Millisecond
)

// awaitQuiet returns when no connection is likely to bring another request.
func (s *httpServer) awaitQuiet(ctx context.Context) {
	tick := time.NewTicker(quietTick)
	defer tick.Stop()
	for deadline := time.Now().Add(quietMax); !s.quiet() && time.Now().Before(deadline); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *httpServer) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		switch age := time.Since(c.since); {
		case c.state == http.StateActive, c.state == http.StateNew && age < newTime, c.state == http.StateIdle && age < quietTime:
			return false
		}
	}
	return true
}

func (s *httpServer) track(c net.Conn, state http.ConnState) {
	now := connState{state: state}
	if state != http.StateActive {
		now.since = time.Now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(s.conns, c)
	default:
		s.conns[c] = now
	}
}
