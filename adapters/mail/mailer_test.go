package mail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/devicegate/devicegate/adapters/mail"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

const from = "devicegate <no-reply@devicegate.example>"

// inbox is an SMTP server in this process.
type inbox struct {
	address string
	roots   *x509.CertPool

	mu      sync.Mutex
	raw     []string
	users   []string
	refuses error // at RCPT TO
}

type session struct{ *inbox }

func (b *inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return session{b}, nil }
func (session) Reset()                                       {}
func (session) Logout() error                                { return nil }
func (session) Mail(string, *smtp.MailOptions) error         { return nil }
func (session) AuthMechanisms() []string                     { return []string{sasl.Plain} }

func (s session) Rcpt(string, *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuses
}

func (s session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "p@ss" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such user " + user}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.users = append(s.users, user)
		return nil
	}), nil
}

func (s session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, string(text))
	return err
}

// listen serves an inbox; implicit: TLS comes before SMTP.
func listen(t *testing.T, implicit bool) *inbox {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	b := &inbox{roots: x509.NewCertPool()}
	b.roots.AddCert(web.Certificate())
	server := smtp.NewServer(b)
	server.Domain, server.TLSConfig = "localhost", &tls.Config{Certificates: web.TLS.Certificates}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return b
}

func (b *inbox) mailer(t *testing.T, url string) *mail.Mailer {
	t.Helper()
	m, err := mail.New(mail.Config{URL: url, From: from})
	if err != nil {
		t.Fatal(err)
	}
	return m.WithTLS(&tls.Config{RootCAs: b.roots})
}

// received are the mails, decoded.
func (b *inbox) received(t *testing.T) (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, raw := range b.raw {
		all = append(all, decoded(t, raw))
	}
	return all
}

func decoded(t *testing.T, raw string) string {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for name := range m.Header {
		text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(name + ": " + text + "\n")
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.ReplaceAll(string(text), "\r\n", "\n"))
	}
}

func aMail(t *testing.T) ports.Mail {
	t.Helper()
	to, err := identity.ParseEmail("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return ports.Mail{ID: "1", To: to, Subject: "s", Text: "t", HTML: "<p>h</p>"}
}

func TestMailer(t *testing.T) {
	for name, implicit := range map[string]bool{"smtp": false, "smtps": true} {
		t.Run(name, func(t *testing.T) {
			b := listen(t, implicit)
			m := b.mailer(t, name+"://devicegate:p%40ss@"+b.address)
			porttest.Mailer(t, m, func() []string { return b.received(t) })
			if err := m.Check(t.Context()); err != nil {
				t.Errorf("check: got %v, want nil", err)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.users) < 2 || b.users[0] != "devicegate" {
				t.Errorf("got the users %q, want devicegate for the mail and the check", b.users)
			}
			if len(b.raw) != 1 {
				t.Errorf("got %d mails, want the one: a check sends none", len(b.raw))
			}
			for _, want := range []string{"Message-ID: <event.kind@devicegate.example>", "Auto-Submitted: auto-generated", "Content-Language: de"} {
				if !strings.Contains(b.raw[0], want) {
					t.Errorf("got %s, want %s in it", b.raw[0], want)
				}
			}
		})
	}
}

func TestAPasswordNeverGoesOverAnOpenConnection(t *testing.T) {
	b := listen(t, false)
	m, err := mail.New(mail.Config{URL: "smtp://devicegate:p%40ss@" + b.address, From: from}) // trusts the system only
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), aMail(t)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want the certificate refused", err)
	}
	if len(b.users) != 0 {
		t.Errorf("got %q, want no one authenticated", b.users)
	}
}

// A server that offers no encryption, or a host on the way that hides the offer, gets
// no mail.
func TestNoMailGoesOverAnOpenConnection(t *testing.T) {
	b := &inbox{}
	server := smtp.NewServer(b)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = l.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	for _, url := range []string{"smtp://" + b.address, "smtp://devicegate:p%40ss@" + b.address} {
		if err := b.mailer(t, url).Send(t.Context(), aMail(t)); err == nil {
			t.Error("got no error, want one without encryption")
		}
	}
	if err := b.mailer(t, "smtp://"+b.address+"?tls=off").Send(t.Context(), aMail(t)); err != nil {
		t.Errorf("got %v, want the mail taken where encryption is switched off", err)
	}
	if len(b.raw) != 1 || len(b.users) != 0 {
		t.Errorf("got %d mails and %q authenticated, want only that of the open setting", len(b.raw), b.users)
	}
}

func TestRefusalsNameNoAddressAndNoCredential(t *testing.T) {
	b := listen(t, true)
	b.refuses = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<ann@example.com> is unknown here"}
	for url, want := range map[string]string{
		"smtps://devicegate:p%40ss@" + b.address: "550",
		"smtps://devicegate:wrong@" + b.address:  "535",
	} {
		err := b.mailer(t, url).Send(t.Context(), aMail(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
			continue
		}
		for _, private := range []string{"ann@", "p@ss", "wrong", "unknown here", "no such user"} {
			if strings.Contains(err.Error(), private) {
				t.Errorf("got %v, want no %q in it", err, private)
			}
		}
	}
}

// A server that accepts and then says nothing, or only parts of lines, ends with
// the context.
func TestAServerThatHangsEndsWithTheContext(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"says nothing":             func(net.Conn) {},
		"stops in a line":          func(c net.Conn) { _, _ = c.Write([]byte("220 half")) },
		"stops after the greeting": func(c net.Conn) { _, _ = c.Write([]byte("220 localhost\r\n")) },
		"closes":                   func(c net.Conn) { _ = c.Close() },
		"talks without end": func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("220-" + strings.Repeat("x", 4000) + "\r\n")); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var held sync.WaitGroup
			held.Go(func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { _ = c.Close() })
				serve(c)
			})
			t.Cleanup(func() { _ = l.Close(); held.Wait() })
			m, err := mail.New(mail.Config{URL: "smtp://" + l.Addr().String(), From: from})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := m.Send(ctx, aMail(t)); err == nil {
				t.Error("got no error, want one")
			}
		})
	}
}

func TestInvalidConfigurationsAreRefused(t *testing.T) {
	for _, c := range []mail.Config{
		{From: from},
		{URL: "smtp://host"},
		{URL: "smtp://host", From: "not an address"},
		{URL: "smtp://host", From: "a@b\r\nBcc: c@d"},
		{URL: "smtp://host", From: "a@b.example, c@d.example"},
		{URL: "http://host", From: from},
		{URL: "smtp:host", From: from},
		{URL: "smtp://", From: from},
		{URL: "smtp://host:0", From: from},
		{URL: "smtp://host/path", From: from},
		{URL: "smtp://user@host", From: from},
		{URL: "smtp://user:pa#ss@host", From: from},
		{URL: "smtp://host?tls=maybe", From: from},
		{URL: "smtp://host?starttls=off", From: from},
		{URL: "smtps://host?tls=off", From: from},
		{URL: "smtp://user:secret@mail.example?tls=off", From: from},
		{URL: "smtp://mail.example?tls=off&tls=off", From: from},
	} {
		err := c.Check()
		if err == nil {
			t.Errorf("%+v: got nil, want a problem", c)
			continue
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "pa#ss") {
			t.Errorf("got %v, want no password in it", err)
		}
	}
	for _, c := range []mail.Config{
		{},
		{URL: "smtp://mail.example", From: from},
		{URL: "smtps://u:p%40ss@[2001:db8::1]:465", From: "a@b.example"},
		{URL: "smtp://u:p@localhost:1025?tls=off", From: from},
	} {
		if err := c.Check(); err != nil {
			t.Errorf("%+v: got %v, want nil", c, err)
		}
	}
}
