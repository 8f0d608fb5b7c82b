package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxAnswer = 64 << 10

// answer is what the server says of a token.
type answer struct {
	active bool
	token  Token
}

// introspector asks the server about tokens (RFC 7662).
type introspector struct {
	endpoint string
	client   *http.Client
	timeout  time.Duration
	// credentials sets the Authorization header. It is a function so that no
	// field holds the secret, which fmt would print with the guard.
	credentials func(*http.Request)
	// redact removes the secret from a text.
	redact func(string) string
}

func newIntrospector(c Config) introspector {
	client := *c.HTTPClient
	// A redirect would send the token to an address that is not configured.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// RFC 6749 §2.3.1: form-encoded, then Basic.
	id, secret := url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret)
	plain := c.ClientSecret
	return introspector{
		endpoint: c.Endpoint, client: &client, timeout: c.Timeout,
		credentials: func(r *http.Request) { r.SetBasicAuth(id, secret) },
		redact: func(text string) string {
			return strings.NewReplacer(plain, "[secret]", secret, "[secret]").Replace(text)
		},
	}
}

// ask returns the server's answer, or an error that matches [ErrUnavailable].
func (i introspector) ask(ctx context.Context, token string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, &unavailable{reason: "the request cannot be made"}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	// Not sent: it tells net/http that the request may be repeated when a
	// kept-alive connection turns out to be closed.
	r.Header["Idempotency-Key"] = []string{}
	i.credentials(r)

	response, err := i.client.Do(r)
	if err != nil {
		return answer{}, i.unreachable(err, token)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch status := response.StatusCode; {
	case err != nil:
		return answer{}, i.unreachable(err, token)
	case status == http.StatusTooManyRequests || status >= 500:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return answer{}, &unavailable{
			reason: fmt.Sprintf("the server answers %d", status), outage: true,
			retryAfter: time.Duration(min(max(seconds, 0), 3600)) * time.Second,
		}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return answer{}, &unavailable{reason: fmt.Sprintf("the server refuses ClientID and ClientSecret (%d)", status)}
	case status != http.StatusOK:
		return answer{}, &unavailable{reason: fmt.Sprintf("the server answers %d: is Endpoint right?", status)}
	case len(body) > maxAnswer:
		return answer{}, &unavailable{reason: "the answer is too large"}
	}
	a, err := parseAnswer(body)
	if err != nil {
		return answer{}, &unavailable{reason: "the answer is not that of RFC 7662: is Endpoint right?"}
	}
	return a, nil
}

// unreachable keeps the cause of a failed call, without the URL, and without
// what a transport of the caller's own may have put into it.
func (i introspector) unreachable(err error, token string) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := "no answer in time"
	if !errors.Is(err, context.DeadlineExceeded) {
		text = i.redact(strings.ReplaceAll(err.Error(), token, "[token]"))
	}
	return &unavailable{reason: text, outage: true}
}

func parseAnswer(body []byte) (answer, error) {
	var wire struct {
		Active   *bool       `json:"active"`
		Scope    string      `json:"scope"`
		ClientID string      `json:"client_id"`
		Username string      `json:"username"`
		Subject  string      `json:"sub"`
		Issuer   string      `json:"iss"`
		ID       string      `json:"jti"`
		Audience stringOrSet `json:"aud"`
		Expires  *float64    `json:"exp"`
		Issued   *float64    `json:"iat"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return answer{}, err
	}
	if wire.Active == nil {
		return answer{}, errors.New("active is missing")
	}
	if !*wire.Active {
		return answer{}, nil
	}
	expires, err := date(wire.Expires)
	if err != nil {
		return answer{}, err
	}
	issued, err := date(wire.Issued)
	if err != nil {
		return answer{}, err
	}
	return answer{active: true, token: Token{
		ID: wire.ID, Subject: wire.Subject, Username: wire.Username, Issuer: wire.Issuer, ClientID: wire.ClientID,
		Scopes: strings.Fields(wire.Scope), Audience: wire.Audience, IssuedAt: issued, ExpiresAt: expires,
	}}, nil
}

// date reads seconds since 1970, up to the year 9999.
func date(seconds *float64) (time.Time, error) {
	switch {
	case seconds == nil:
		return time.Time{}, nil
	case *seconds < 0 || *seconds > 253402300799:
		return time.Time{}, errors.New("not a date")
	}
	return time.Unix(int64(*seconds), 0), nil
}

// stringOrSet is a string or a list of strings, as aud may be (RFC 7519).
type stringOrSet []string

// UnmarshalJSON reads either form.
func (s *stringOrSet) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		if one != "" {
			*s = stringOrSet{one}
		}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(s))
}
