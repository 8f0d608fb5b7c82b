package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// BenchmarkRequest measures what a request costs in this process without its system
// calls: everything from the bytes that arrive to those that leave. No request asks
// a store.
func BenchmarkRequest(b *testing.B) {
	c, err := Load(smallest("PUBLIC_URL", "http://localhost:8080", "DATABASE_URL", "sqlite:"+filepath.Join(b.TempDir(), "gate.db"),
		"DATA_DIR", b.TempDir(), "WITH_WORKER", "off", "OPENAPI_RATE_LIMIT_PER_TOKEN", "0"))
	if err != nil {
		b.Fatal(err)
	}
	var handler http.Handler
	var store ports.Store
	app := fx.New(Handler(c, slog.New(slog.DiscardHandler)), fx.Populate(&handler, &store))
	relaxCollector() // as the service does
	if err := app.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = app.Stop(context.Background()) }()

	const agent = " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\n"
	form := "client_id=difyctl&device_code=" + startedCode(b, handler)
	for _, r := range []struct{ name, text, want string }{
		{"version", "GET /openapi/v1/_version" + agent + "\r\n", `"version"`},
		{"verify hot", "GET /openapi/v1/account" + agent + "Authorization: Bearer " + usedToken(b, store) + "\r\n\r\n", `"subject_email"`},
		{"poll hinted", "POST /openapi/v1/oauth/device/token" + agent + "Content-Type: application/x-www-form-urlencoded\r\n" +
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(form), form), `"error"`},
	} {
		b.Run(r.name, func(b *testing.B) {
			answer(b, handler, r.text, r.want, 1)
			b.ReportAllocs()
			b.ResetTimer()
			answer(b, handler, r.text, r.want, b.N)
		})
	}
}

func startedCode(b *testing.B, handler http.Handler) string {
	b.Helper()
	r := httptest.NewRequest("POST", "/openapi/v1/oauth/device/code", strings.NewReader("client_id=difyctl"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	var started struct {
		DeviceCode string `json:"device_code"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &started); err != nil || started.DeviceCode == "" {
		b.Fatalf("got %d %s, want a code", w.Code, w.Body)
	}
	return started.DeviceCode
}

// usedToken is used in an hour only, so that no request has to record it.
func usedToken(b *testing.B, store ports.Store) string {
	b.Helper()
	email, err := identity.ParseEmail("ann@acme.example")
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	of := token.Device{Email: email, Issuer: "https://idp.acme.example", ClientID: "difyctl", Label: "laptop"}
	t, secret, minted := token.Mint(token.Order{ID: uid.New(now), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(48 * time.Hour)}, now, request.Origin{})
	if _, _, err := t.RecordUse(now.Add(time.Hour), request.Origin{}); err != nil {
		b.Fatal(err)
	}
	if err := store.Update(b.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, t, minted) }); err != nil {
		b.Fatal(err)
	}
	return secret.Reveal()
}

// answer has the server answer a request n times, one after the other.
func answer(b *testing.B, handler http.Handler, request, want string, n int) {
	b.Helper()
	c := &repeating{request: []byte(request), left: n, answered: make(chan struct{}, 1)}
	server := newHTTPServer(handler, slog.New(slog.DiscardHandler)).server
	l := &pipe{conn: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conn <- c
	ended := make(chan struct{})
	track := server.ConnState
	server.ConnState = func(conn net.Conn, s http.ConnState) {
		track(conn, s)
		if s == http.StateClosed {
			close(ended)
		}
	}
	go func() { _ = server.Serve(l) }()
	<-ended
	_ = server.Close()
	if c.answers != n || !bytes.Contains(c.last, []byte(want)) {
		b.Fatalf("got %d answers, the last one %s, want %d with %s", c.answers, c.last, n, want)
	}
}

// repeating is a connection on which the same request comes until none is left.
type repeating struct {
	net.Conn
	request       []byte
	left, answers int
	last          []byte
	answered      chan struct{}
}

func (c *repeating) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if len(p) == 1 { // net/http looks for the end of the connection while it answers
		<-c.answered
		return 0, os.ErrDeadlineExceeded
	}
	c.left--
	return copy(p, c.request), nil
}

func (c *repeating) Write(p []byte) (int, error) {
	c.answers++
	c.last = append(c.last[:0], p...)
	return len(p), nil
}

func (c *repeating) Close() error        { return nil }
func (c *repeating) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

func (c *repeating) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }
func (c *repeating) SetDeadline(time.Time) error { return nil }

// SetReadDeadline ends the look for the end of the connection.
func (c *repeating) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Unix(2, 0)) {
		c.answered <- struct{}{}
	}
	return nil
}
func (c *repeating) SetWriteDeadline(time.Time) error { return nil }
