package e2e

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// tcpProxy passes connections on to a server, and can lose answers.
type tcpProxy struct {
	listener net.Listener
	target   string
	lose     atomic.Int32 // how many answers are still to be lost
}

func newTCPProxy(t testing.TB, target string) *tcpProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tcpProxy{listener: listener, target: target}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go p.pass(in)
		}
	}()
	return p
}

func (p *tcpProxy) pass(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(out, in) }()
	buf := make([]byte, 32<<10)
	for {
		n, err := out.Read(buf)
		if n > 0 && p.lose.Add(-1) >= 0 {
			return // the server has sent its answer, and it never arrives
		}
		p.lose.CompareAndSwap(-1, 0)
		if _, failed := in.Write(buf[:n]); errors.Join(err, failed) != nil {
			return
		}
	}
}

// front starts a load balancer before a server: an answer that it does not get
// is a 502 to the client. It keeps no connections, so that nothing is sent twice.
func front(t testing.TB, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}
