package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/devicegate/devicegate/adapters/webhook"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

func secretOf(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

func anEvent() audit.Event {
	e := audit.New(audit.TokenMinted, audit.ClientOf("difyctl"), time.Now().UTC().Truncate(time.Microsecond), request.Origin{})
	e.DeviceLabel = "laptop\r\n\u202e"
	return e
}

func open(t *testing.T, url string) *webhook.Sink {
	t.Helper()
	s, err := webhook.New(webhook.Config{URL: url, Secrets: secretOf(1) + ", " + secretOf(2), Private: true}, ports.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAMessageIsVerifiedWithEachOfTheSecrets(t *testing.T) {
	e := anEvent()
	var verified atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for _, fill := range []byte{1, 2} {
			verifier, err := standardwebhooks.NewWebhook(secretOf(fill))
			if err == nil {
				err = verifier.Verify(body, r.Header)
			}
			if err != nil {
				t.Errorf("Verify(with secret %d) = %v, want no error", fill, err)
				continue
			}
			verified.Add(1)
		}
		other, _ := standardwebhooks.NewWebhook(secretOf(3))
		if other.Verify(body, r.Header) == nil {
			t.Error("got verified with another secret, want refused")
		}
		var message struct {
			Type      string    `json:"type"`
			Timestamp time.Time `json:"timestamp"`
			Data      json.RawMessage
		}
		if err := json.Unmarshal(body, &message); err != nil || message.Type != string(e.Kind) || !message.Timestamp.Equal(e.At) || string(message.Data) != string(e.AppendJSON(nil)) {
			t.Errorf("got %s, %v, want the event", body, err)
		}
		if got := r.Header.Get("webhook-id"); got != e.ID.String() {
			t.Errorf("got the id %s, want the event's", got)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	if err := open(t, server.URL).Deliver(t.Context(), e); err != nil || verified.Load() != 2 {
		t.Errorf("got %v, %d verified, want nil and 2", err, verified.Load())
	}
}

func TestReceiversThatFailInEveryWay(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string // in the error; empty: it succeeds
		later time.Duration
	}{
		"200":            {serve: status(200)},
		"202":            {serve: status(202)},
		"400":            {serve: status(400), want: "answered 400"},
		"410":            {serve: status(410), want: "answered 410"},
		"500":            {serve: status(500), want: "answered 500"},
		"503 and later":  {status(503, "Retry-After", "120"), "answered 503", 2 * time.Minute},
		"429 much later": {status(429, "Retry-After", "999999999"), "answered 429", time.Hour},
		"nonsense later": {status(503, "Retry-After", "soon"), "answered 503", 0},
		"302":            {serve: status(302, "Location", elsewhere.URL), want: "redirects are not followed"},
		"308":            {serve: status(308, "Location", elsewhere.URL), want: "redirects are not followed"},
		"huge": {serve: func(w http.ResponseWriter, _ *http.Request) {
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for range 10 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 O"))
			_ = conn.Close()
		}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.serve)
			defer server.Close()
			err := open(t, server.URL+"/?token=secret").Deliver(t.Context(), anEvent())
			if name == "half an answer" {
				if err == nil {
					t.Error("got nil, want an error")
				}
				return
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			var later *ports.Later
			if errors.As(err, &later); (later != nil) != (c.later != 0) || later != nil && later.After != c.later {
				t.Errorf("got %v later, want %s", later, c.later)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want no query in it", err)
			}
		})
	}
}

func TestAReceiverThatHangsEndsWithTheContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := open(t, "http://"+l.Addr().String()).Deliver(ctx, anEvent()); err == nil {
		t.Error("got nil, want an error")
	}
	refused := l.Addr().String()
	_ = l.Close()
	if err := open(t, "http://"+refused).Deliver(t.Context(), anEvent()); err == nil {
		t.Error("got nil from a port that nothing listens on, want an error")
	}
}

func TestAPrivateAddressIsReachedOnlyIfAllowed(t *testing.T) {
	asked := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	s, err := webhook.New(webhook.Config{URL: "https://localhost:" + port, Secrets: secretOf(1)}, ports.SystemClock) // a name is looked up when it is dialled
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver(t.Context(), anEvent()); err == nil || !strings.Contains(err.Error(), "AUDIT_WEBHOOK_PRIVATE") || asked {
		t.Errorf("got %v, asked %t, want it refused", err, asked)
	}
}

func TestInvalidConfigurationsAreRefused(t *testing.T) {
	good := secretOf(1)
	for _, c := range []webhook.Config{
		{URL: "https://audit.example"},
		{Secrets: good},
		{URL: "http://audit.example", Secrets: good},
		{URL: "ftp://audit.example", Secrets: good},
		{URL: "audit.example", Secrets: good},
		{URL: "https://", Secrets: good},
		{URL: "https://audit.example/#x", Secrets: good},
		{URL: "https://127.0.0.1/", Secrets: good},
		{URL: "https://[::1]/", Secrets: good},
		{URL: "https://10.1.2.3/", Secrets: good},
		{URL: "https://169.254.169.254/", Secrets: good, Private: true},
		{URL: "https://audit.example", Secrets: "plain-text-secret"},
		{URL: "https://audit.example", Secrets: "whsec_short"},
		{URL: "https://audit.example", Secrets: good + ","},
		{URL: "https://audit.example", Secrets: good + ",whsec_%%%"},
	} {
		err := c.Check()
		if err == nil {
			t.Errorf("%s: got nil, want a problem", c.URL)
			continue
		}
		if c.Secrets != "" && strings.Contains(err.Error(), c.Secrets) {
			t.Errorf("got %v, want no secret in it", err)
		}
	}
	for _, c := range []webhook.Config{
		{}, {URL: "https://audit.example/hook?x=y", Secrets: good}, {URL: "http://10.1.2.3:8080/", Secrets: good + "," + secretOf(2), Private: true},
	} {
		if err := c.Check(); err != nil {
			t.Errorf("%s: got %v, want nil", c.URL, err)
		}
	}
}
