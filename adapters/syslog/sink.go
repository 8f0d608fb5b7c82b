package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
)

const (
	dialTime  = 5 * time.Second
	writeTime = 10 * time.Second
	// priority is facility 13 (log audit), severity 5 (notice).
	priority  = 13*8 + 5
	appName   = "devicegate"
	hostMax   = 255 // RFC 5424 §6
	msgIDMax  = 32
	udpMax    = 65000
	timestamp = "2006-01-02T15:04:05.000000Z"
)

// Sink is a [ports.AuditSink] that keeps one connection.
type Sink struct {
	scheme, address, host string
	tls                   *tls.Config

	mu   sync.Mutex
	conn net.Conn
	gone chan struct{} // closed when the server has closed conn
}

// New makes a sink. It connects to nothing yet. It returns what [Config.Check]
// objects to.
func New(cfg Config) (*Sink, error) {
	scheme, address, err := cfg.place()
	if err != nil {
		return nil, err
	}
	return &Sink{scheme: scheme, address: address, host: printable(cfg.Host, hostMax), tls: &tls.Config{MinVersion: tls.VersionTLS12}}, nil
}

// Trust makes the sink trust other certificates than the system's.
func (s *Sink) Trust(config *tls.Config) *Sink {
	s.tls = config
	return s
}

// Name implements [ports.AuditSink].
func (s *Sink) Name() audit.Sink { return audit.Syslog }

// Deliver implements [ports.AuditSink].
func (s *Sink) Deliver(ctx context.Context, e audit.Event) error {
	message := s.message(e)
	if s.scheme == "udp" && len(message) > udpMax {
		return errors.New("syslog: the event is too long for a datagram")
	}
	if s.scheme != "udp" {
		message = append(fmt.Appendf(nil, "%d ", len(message)), message...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.connect(ctx); err != nil {
		return fmt.Errorf("syslog %s: %w", s.address, err)
	}
	deadline := time.Now().Add(writeTime)
	if end, ends := ctx.Deadline(); ends && end.Before(deadline) {
		deadline = end
	}
	_ = s.conn.SetWriteDeadline(deadline)
	if _, err := s.conn.Write(message); err != nil {
		s.close()
		return fmt.Errorf("syslog %s: %w", s.address, err)
	}
	return nil
}

// message is one in RFC 5424's form. Its text is the line of an export.
func (s *Sink) message(e audit.Event) []byte {
	head := fmt.Sprintf("<%d>1 %s %s %s - %s - \ufeff", priority, e.At.UTC().Format(timestamp), s.host, appName, printable(string(e.Kind), msgIDMax))
	return e.AppendJSON([]byte(head))
}

// printable is text as a field of the header.
func printable(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < 33 || r > 126 {
			return -1
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), most)]
}

// Check connects and sends nothing.
func (s *Sink) Check(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.close()
	return s.connect(ctx)
}

// connect makes a connection unless there is one that the server has not closed.
func (s *Sink) connect(ctx context.Context) error {
	if s.conn != nil {
		select {
		case <-s.gone:
			s.close()
		default:
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	network := "tcp"
	if s.scheme == "udp" {
		network = "udp"
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, s.address)
	if err != nil {
		return err
	}
	if s.scheme == "tls" {
		config := s.tls.Clone()
		config.ServerName, _, _ = net.SplitHostPort(s.address)
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return err
		}
		conn = encrypted
	}
	s.conn, s.gone = conn, make(chan struct{})
	if s.scheme != "udp" {
		go watch(conn, s.gone)
	}
	return nil
}

// watch reads what a server does not send, until it closes the connection.
func watch(conn net.Conn, gone chan<- struct{}) {
	defer close(gone)
	_, _ = io.Copy(io.Discard, conn)
}

func (s *Sink) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// Close ends the connection.
func (s *Sink) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
}
