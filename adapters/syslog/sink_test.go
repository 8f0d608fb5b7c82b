package syslog_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
)

func anEvent(label string) audit.Event {
	e := audit.New(audit.DeviceCodeCrossIP, audit.ClientOf("difyctl"), time.Date(2026, 11, 29, 12, 0, 0, 123456000, time.UTC), request.Origin{})
	e.DeviceLabel = label
	return e
}

func sink(t *testing.T, url string) *syslog.Sink {
	t.Helper()
	s, err := syslog.New(syslog.Config{URL: url, Host: "login.example"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// frame reads one message of octet counting (RFC 6587 §3.4.1).
func frame(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	length, err := r.ReadString(' ')
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(length))
	if err != nil {
		t.Fatal(err)
	}
	message := make([]byte, n)
	if _, err := io.ReadFull(r, message); err != nil {
		t.Fatal(err)
	}
	return string(message)
}

func wanted(e audit.Event) string {
	return fmt.Sprintf("<109>1 2026-11-29T12:00:00.123456Z login.example devicegate - oauth.device_code_cross_ip_poll - \ufeff%s", e.AppendJSON(nil))
}

func listen(t *testing.T, config *tls.Config) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestMessagesOverTLSAndTCP(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	for scheme, config := range map[string]*tls.Config{"tls": {Certificates: web.TLS.Certificates}, "tcp": nil} {
		t.Run(scheme, func(t *testing.T) {
			l := listen(t, config)
			s := sink(t, scheme+"://"+l.Addr().String()).Trust(&tls.Config{RootCAs: roots})
			received := make(chan string, 2)
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				r := bufio.NewReader(conn)
				received <- frame(t, r)
				received <- frame(t, r)
			}()
			for _, e := range []audit.Event{anEvent("laptop"), anEvent("a\nb é \u202e")} { // over one connection
				if err := s.Deliver(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				if got := <-received; got != wanted(e) {
					t.Errorf("got %q, want %q", got, wanted(e))
				}
			}
		})
	}
}

func TestAMessageOverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	e := anEvent("laptop")
	if err := sink(t, "udp://"+conn.LocalAddr().String()).Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 64<<10)
	n, _, err := conn.ReadFrom(buffer)
	if err != nil || string(buffer[:n]) != wanted(e) {
		t.Errorf("got %q, %v, want %q", buffer[:n], err, wanted(e))
	}
}

func TestAServerThatComesBackIsConnectedToAgain(t *testing.T) {
	l := listen(t, nil)
	s := sink(t, "tcp://"+l.Addr().String())
	received, closed := make(chan string), make(chan struct{})
	go func() {
		for range 2 {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			received <- frame(t, bufio.NewReader(conn))
			_ = conn.Close()
			closed <- struct{}{}
		}
	}()
	for i := range 2 {
		e := anEvent(strconv.Itoa(i))
		// The end of the first connection may be noticed by the second write only.
		got := make(chan struct{})
		go func() {
			defer close(got)
			if message := <-received; !strings.Contains(message, wanted(e)) {
				t.Errorf("got %q, want %q", message, wanted(e))
			}
			<-closed
		}()
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		for done := false; !done; {
			_ = s.Deliver(t.Context(), e)
			select {
			case <-got:
				done = true
			case <-again.C:
			}
		}
	}
}

func TestServersThatCannotBeReached(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	l := listen(t, &tls.Config{Certificates: web.TLS.Certificates})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	if err := sink(t, "tls://"+l.Addr().String()).Deliver(t.Context(), anEvent("x")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want an unknown certificate refused", err)
	}
	gone := listen(t, nil)
	_ = gone.Close()
	if err := sink(t, "tcp://"+gone.Addr().String()).Deliver(t.Context(), anEvent("x")); err == nil {
		t.Error("got nil from a port that nothing listens on, want an error")
	}
}

func TestInvalidConfigurationsAreRefused(t *testing.T) {
	for _, url := range []string{"host", "http://host", "tls://", "tls://host:0", "tls://user:pass@host", "tls://host/path", "tcp://host?x=y", "syslog://host:514", "tls://ho st"} {
		if err := (syslog.Config{URL: url}).Check(); err == nil {
			t.Errorf("%s: got nil, want a problem", url)
		}
	}
	for _, url := range []string{"", "tls://logs.example", "tcp://[2001:db8::1]:601", "udp://127.0.0.1:514"} {
		if err := (syslog.Config{URL: url}).Check(); err != nil {
			t.Errorf("%s: got %v, want nil", url, err)
		}
	}
}
