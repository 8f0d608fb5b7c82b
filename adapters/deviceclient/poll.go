package deviceclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Token is what a login ends with. The standard mount tells the secret, the
// scope and the expiry; the rest is "" there.
type Token struct {
	Secret    Secret
	ID        string
	Email     string
	Issuer    string
	Scope     string
	ExpiresAt time.Time // zero if the server does not say
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// backOffMax bounds the pause after failures.
const backOffMax = 30 * time.Second

// pollTimer decides when the next poll is due.
type pollTimer struct {
	interval time.Duration
	failing  time.Duration // the pause after the last failure; 0 after an answer
	doubling bool
}

// slowDown is the server's demand (RFC 8628 §3.5: five seconds more). On the
// canonical mount the interval doubles, up to a minute.
func (p *pollTimer) slowDown() time.Duration {
	if p.doubling {
		p.interval = min(2*p.interval, intervalMax)
	} else {
		p.interval += 5 * time.Second
	}
	return p.interval
}

// fail returns the pause after a lost or busy answer. It grows by half, so that
// two attempts fit in the time for which a server repeats a lost token.
func (p *pollTimer) fail(retryAfter time.Duration) time.Duration {
	p.failing = min(max(p.failing, p.interval)*3/2, max(backOffMax, p.interval))
	if retryAfter > 0 {
		return max(retryAfter, p.interval)
	}
	return p.failing
}

func (p *pollTimer) answered() { p.failing = 0 }

// Poll asks for the token until the person has decided or the code has expired:
// [ErrDenied], [ErrExpired]. Lost answers and 5xx are repeated with growing
// pauses while the code lives. When ctx ends, so does Poll, with ctx's error.
func (c *Client) Poll(ctx context.Context, a Authorization) (Token, error) {
	if err := c.discover(ctx); err != nil {
		return Token{}, err
	}
	p := pollTimer{interval: a.Interval, doubling: !c.endpoints.standard}
	next := p.interval
	if !c.endpoints.standard {
		next = 0
	}
	for last := false; ; {
		// The code may have been approved in its last second, so it is asked
		// for once more after its end, an interval after the poll before.
		if err := c.Wait(ctx, min(next, max(0, a.ExpiresAt.Sub(c.Now()))+p.interval)); err != nil {
			return Token{}, err
		}
		last = !c.Now().Before(a.ExpiresAt)
		t, word, retryAfter, err := c.pollOnce(ctx, a)
		switch {
		case ctx.Err() != nil:
			return Token{}, ctx.Err()
		case err != nil && (distrusted(err) || fatal(err)):
			return Token{}, err
		case err == nil && word == "":
			return t, nil
		case word == "access_denied":
			return Token{}, ErrDenied
		case word == "expired_token", err == nil && last:
			return Token{}, ErrExpired
		case last:
			return Token{}, fmt.Errorf("%w (%w)", ErrExpired, err)
		case err != nil:
			next = p.fail(retryAfter)
			c.Notice(fmt.Sprintf("no usable answer (%v); asking again in %s", err, next.Round(time.Second)))
		case word == "slow_down":
			p.answered()
			next = p.slowDown()
		default:
			p.answered()
			next = p.interval
		}
	}
}

// fatal reports whether an error is the server's final word.
func fatal(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Status < 500 && r.Status != http.StatusTooManyRequests
}

// pollOnce returns a token, a word of RFC 8628 §3.5, or an error.
func (c *Client) pollOnce(ctx context.Context, a Authorization) (t Token, word string, retryAfter time.Duration, err error) {
	const doing = "wait for the approval"
	form := url.Values{"client_id": {c.ClientID}, "device_code": {a.deviceCode.Reveal()}}
	if c.endpoints.standard {
		form.Set("grant_type", deviceGrant)
	}
	got, err := c.send(ctx, request{method: http.MethodPost, url: c.endpoints.token, form: form})
	if err != nil {
		return Token{}, "", 0, fmt.Errorf("%s: %w", doing, plain(err))
	}
	var body struct {
		Error       any     `json:"error"`
		AccessToken string  `json:"access_token"`
		Token       string  `json:"token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   float64 `json:"expires_in"`
		ExpiresAt   string  `json:"expires_at"`
		Scope       string  `json:"scope"`
		ID          string  `json:"token_id"`
		Email       string  `json:"subject_email"`
		Issuer      string  `json:"subject_issuer"`
	}
	notJSON := got.json(&body)
	switch body.Error {
	case "authorization_pending", "slow_down", "access_denied", "expired_token":
		return Token{}, body.Error.(string), 0, nil
	}
	if got.status != http.StatusOK || notJSON != nil {
		return Token{}, "", got.retryAfter, refusal(doing, got)
	}
	if body.AccessToken == "" {
		body.AccessToken = body.Token
	}
	if body.AccessToken == "" || body.TokenType != "" && !strings.EqualFold(body.TokenType, "bearer") {
		return Token{}, "", 0, &Refusal{Doing: doing, Status: got.status, Message: "the answer holds no bearer token"}
	}
	t = Token{Secret: NewSecret(body.AccessToken), ID: body.ID, Email: body.Email, Issuer: body.Issuer, Scope: body.Scope}
	if at, err := time.Parse(time.RFC3339, body.ExpiresAt); err == nil {
		t.ExpiresAt = at
	} else if body.ExpiresIn > 0 {
		t.ExpiresAt = c.Now().Add(seconds(body.ExpiresIn))
	}
	return t, "", 0, nil
}
