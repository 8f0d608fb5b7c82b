package bootstrap

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Clients send again when a kept-alive connection is closed during a request (contract §1).
func TestIdleConnectionsOutliveThoseOfClients(t *testing.T) {
	if s := newHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler)).server; s.IdleTimeout < 90*time.Second {
		t.Errorf("got an idle timeout of %s, want at least 90s", s.IdleTimeout)
	}
}

func TestSlowSendersAreDisconnected(t *testing.T) { // O12
	for what, sent := range map[string]string{
		"no header at all": "",
		"half a header":    "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: 1",
		"half a body":      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				server := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := bufio.NewReader(r.Body).Peek(10); err == nil {
						t.Error("got a body, want an error")
					}
				}), slog.New(slog.DiscardHandler)).server
				listener := &pipe{conn: make(chan net.Conn, 1), done: make(chan struct{})}
				listener.conn <- ours
				go func() { _ = server.Serve(listener) }()
				began := time.Now()
				if sent != "" {
					fmt.Fprint(theirs, sent)
				}
				answer := bufio.NewReader(theirs)
				for {
					if _, err := answer.ReadByte(); err != nil {
						break
					}
				}
				if waited := time.Since(began); waited < time.Second || waited > time.Minute {
					t.Errorf("got the connection closed after %s, want it between 1s and 1m", waited)
				}
				_ = server.Close()
				synctest.Wait()
			})
		})
	}
}

// pipe is a listener with one connection.
type pipe struct {
	conn chan net.Conn
	done chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	close(p.done)
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }
