package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/devicegate/devicegate/adapters/outbound"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

const (
	// requestTime is from the first packet to the end of the answer.
	requestTime = 15 * time.Second
	dialTime    = 5 * time.Second
	// answerMax is as much of an answer as is read: nothing in it is used.
	answerMax = 16 << 10
	// laterMax bounds what a receiver may ask for by Retry-After.
	laterMax = time.Hour
)

// Sink is a [ports.AuditSink].
type Sink struct {
	cfg     Config
	to      *url.URL
	signers []*standardwebhooks.Webhook
	http    *http.Client
	now     ports.Clock
}

// New makes a sink. It connects to nothing yet. It returns what [Config.Check]
// objects to.
func New(cfg Config, now ports.Clock) (*Sink, error) {
	to, err1 := cfg.address()
	keys, err2 := cfg.keys()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s := &Sink{cfg: cfg, to: to, now: now}
	for _, key := range keys {
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
		s.signers = append(s.signers, signer)
	}
	s.http = &http.Client{
		Timeout:       requestTime,
		Transport:     outbound.NewTransport(s.mayDial, dialTime, &tls.Config{MinVersion: tls.VersionTLS12}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

func (s *Sink) mayDial(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return errors.New("is no address")
	}
	return s.cfg.mayReach(to.Addr())
}

// Name implements [ports.AuditSink].
func (s *Sink) Name() audit.Sink { return audit.Webhook }

// Deliver implements [ports.AuditSink]. The message is identified by the event's
// ID, by which a receiver knows one that comes again.
func (s *Sink) Deliver(ctx context.Context, e audit.Event) error {
	at := s.now()
	body := body(e)
	var signatures []string
	for _, signer := range s.signers {
		signature, err := signer.Sign(e.ID.String(), at, body)
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, signature)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.to.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("webhook: the address cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "devicegate")
	r.Header.Set(standardwebhooks.HeaderWebhookID, e.ID.String())
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	answer, err := s.http.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %s", s.to.Host, cause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	// A connection can be used again if its answer was read to the end.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, answerMax))
	return s.judge(answer)
}

// body is the message; its data is the line of an export.
func body(e audit.Event) []byte {
	b := append([]byte(`{"type":"`), e.Kind...)
	b = append(b, `","timestamp":"`...)
	b = e.At.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `","data":`...)
	return append(e.AppendJSON(b), '}')
}

func (s *Sink) judge(answer *http.Response) error {
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return nil
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return fmt.Errorf("%s: answered %d; redirects are not followed: set the address to which it leads", s.to.Host, answer.StatusCode)
	}
	err := fmt.Errorf("%s: answered %d", s.to.Host, answer.StatusCode)
	if later := s.later(answer.Header.Get("Retry-After")); later > 0 {
		return &ports.Later{After: later, Err: err}
	}
	return err
}

// later reads Retry-After (RFC 9110 §10.2.3).
func (s *Sink) later(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, 86400))*time.Second, laterMax)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(at.Sub(s.now()), laterMax)
	}
	return 0
}

// Check asks whether something answers at the address. It sends no event.
func (s *Sink) Check(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, s.to.String(), http.NoBody)
	if err != nil {
		return errors.New("the address cannot be used")
	}
	r.Header.Set("User-Agent", "devicegate")
	answer, err := s.http.Do(r)
	if err != nil {
		return errors.New(cause(err))
	}
	_ = answer.Body.Close()
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return s.judge(answer)
	}
	return nil
}

// cause is the text of an error of [http.Client.Do] without the URL, which may hold
// a secret.
func cause(err error) string {
	var u *url.Error
	for errors.As(err, &u) {
		if u.Timeout() {
			return "does not answer in time"
		}
		err = u.Err
	}
	return err.Error()
}
