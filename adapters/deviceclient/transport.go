package deviceclient

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// answerMax bounds what is read of an answer.
const answerMax = 1 << 20

type request struct {
	method, url string
	form        url.Values
	bearer      Secret
}

type answer struct {
	status     int
	body       []byte
	retryAfter time.Duration
	location   string
}

func (a answer) json(out any) error { return json.Unmarshal(a.body, out) }

// busy reports whether the same request may succeed later.
func (a answer) busy() bool { return a.status >= 500 || a.status == http.StatusTooManyRequests }

// send makes one attempt.
func (c *Client) send(ctx context.Context, r request) (answer, error) {
	var body io.Reader
	if r.form != nil {
		body = strings.NewReader(r.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "devicegate-client")
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !r.bearer.IsZero() {
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err != nil {
		return answer{}, err
	}
	return answer{resp.StatusCode, text, c.retryAfter(resp.Header.Get("Retry-After")), resp.Header.Get("Location")}, nil
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3); 0 is neither.
func (c *Client) retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(c.Now()) {
		return at.Sub(c.Now())
	}
	return 0
}

// Bounds of what is repeated outside the poll, where a person watches.
const (
	attemptsMax   = 5
	firstBackOff  = time.Second
	retryAfterMax = 30 * time.Second // the longest Retry-After that is waited for
)

// persist sends r until it is answered, at most five times. It returns answers
// of every kind but busy ones, which become a [Refusal].
func (c *Client) persist(ctx context.Context, doing string, r request) (answer, error) {
	delay := firstBackOff
	for attempt := 1; ; attempt++ {
		a, err := c.send(ctx, r)
		switch {
		case err == nil && !a.busy():
			return a, nil
		case ctx.Err() != nil:
			return answer{}, ctx.Err()
		case err != nil && (permanent(err) || attempt == attemptsMax):
			return answer{}, fmt.Errorf("%s: %w", doing, plain(err))
		case err == nil && (attempt == attemptsMax || a.retryAfter > retryAfterMax):
			return answer{}, refusal(doing, a)
		}
		if err := c.Wait(ctx, max(delay, a.retryAfter)); err != nil {
			return answer{}, err
		}
		delay *= 2
	}
}

// permanent reports whether an error stays: a certificate that is not trusted,
// a name that does not exist, a server that does not speak TLS.
func permanent(err error) bool {
	var name *net.DNSError
	return distrusted(err) || errors.As(err, &name) && name.IsNotFound
}

func distrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// plain drops the method and the URL that net/http puts before an error, and says
// what to do where the address of the server is wrong.
func plain(err error) error {
	var name *net.DNSError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Errorf("there is no host called %s; give the server's address, such as https://sso.example.com", name.Name)
	case errors.As(err, &name):
		return fmt.Errorf("the host %s cannot be looked up (%s); check the network and the server's address", name.Name, name.Err)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("the server does not speak https; if that is meant, give its address with http://")
	}
	var u *url.Error
	if errors.As(err, &u) {
		if at, bad := url.Parse(u.URL); bad == nil && errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("nothing answers at %s://%s; check the server's address and its port", at.Scheme, at.Host)
		}
		if u.Timeout() {
			return errors.New("no answer in time")
		}
		return u.Err
	}
	return err
}

// refusal words an answer that is no success.
func refusal(doing string, a answer) *Refusal {
	var body struct {
		Error       any    `json:"error"`
		Code        string `json:"code"`
		Description string `json:"error_description"`
		Message     string `json:"message"`
	}
	_ = a.json(&body) // an answer that is not JSON has its status alone
	r := &Refusal{Doing: doing, Status: a.status, Code: body.Code, Message: body.Description, RetryAfter: a.retryAfter}
	if word, ok := body.Error.(string); ok && word != "" {
		r.Code = word
	}
	if r.Message == "" {
		r.Message = body.Message
	}
	if to, err := url.Parse(a.location); err == nil && a.status/100 == 3 && to.Host != "" {
		r.Message = "it sends on to " + to.Scheme + "://" + to.Host + ": give the address that it really has"
	}
	return r
}
