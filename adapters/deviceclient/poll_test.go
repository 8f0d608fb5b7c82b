package deviceclient_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

const s = time.Second

func TestPollKeepsThePace(t *testing.T) {
	pending, slow, token := word("authorization_pending"), word("slow_down"), reply{status: 200, body: tokenBody}
	for name, c := range map[string]struct {
		routes map[string][]reply
		want   []time.Duration
	}{
		"standard: the interval first (RFC 8628 §3.5)":        {standard(pending, pending, token), []time.Duration{5 * s, 5 * s, 5 * s}},
		"standard: slow_down adds five seconds for good":      {standard(slow, pending, slow, token), []time.Duration{5 * s, 10 * s, 10 * s, 15 * s}},
		"standard: lost answers make it slower, not for good": {standard(reply{cut: true}, reply{cut: true}, pending, token), []time.Duration{5 * s, 7500 * time.Millisecond, 11250 * time.Millisecond, 5 * s}},
		"standard: 5xx are repeated":                          {standard(reply{status: 502, body: "<html>"}, token), []time.Duration{5 * s, 7500 * time.Millisecond}},
		"standard: Retry-After in seconds":                    {standard(reply{status: 503, header: map[string]string{"Retry-After": "21"}}, token), []time.Duration{5 * s, 21 * s}},
		"standard: Retry-After as a date":                     {standard(reply{status: 503, header: map[string]string{"Retry-After": "Sat, 28 Nov 2026 12:01:00 GMT"}}, token), []time.Duration{5 * s, 55 * s}},
		"standard: Retry-After below the interval":            {standard(reply{status: 429, header: map[string]string{"Retry-After": "1"}}, token), []time.Duration{5 * s, 5 * s}},
		"canonical: at once, slow_down doubles":               {canonical(pending, slow, slow, token), []time.Duration{0, 5 * s, 10 * s, 20 * s}},
		"canonical: the word counts, whatever the status":     {canonical(reply{status: 429, body: `{"error":"authorization_pending"}`}, token), []time.Duration{0, 5 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			client, clock, _ := run(t, c.routes)
			got, err := client.Poll(t.Context(), start(t, client))
			if err != nil || got.Secret.Reveal() != "dfoe_secret" {
				t.Fatalf("Poll() = %v, %v, want the token", got, err)
			}
			equal(t, clock.waits, c.want)
		})
	}
}

func TestPausesAfterFailuresAreBounded(t *testing.T) {
	client, clock, _ := run(t, standard(reply{status: 500}))
	if _, err := client.Poll(t.Context(), start(t, client)); !errors.Is(err, deviceclient.ErrExpired) {
		t.Errorf("got %v, want ErrExpired", err)
	}
	for _, d := range clock.waits {
		if d > 30*s {
			t.Errorf("got a wait of %s, want at most 30s", d)
		}
	}
	if n := len(clock.waits); n > 40 {
		t.Errorf("got %d polls in 15 minutes of failures, want at most 40", n)
	}
}

func TestPollEnds(t *testing.T) {
	for name, c := range map[string]struct {
		polls []reply
		want  error
		says  string
	}{
		"denied":                {[]reply{word("access_denied")}, deviceclient.ErrDenied, ""},
		"expired":               {[]reply{word("expired_token")}, deviceclient.ErrExpired, ""},
		"expired by our clock":  {[]reply{word("authorization_pending")}, deviceclient.ErrExpired, ""},
		"a word that is final":  {[]reply{{status: 400, body: `{"error":"invalid_grant","error_description":"No such code."}`}}, nil, "400 invalid_grant (No such code.)"},
		"no API":                {[]reply{{status: 404, body: "<html>"}}, nil, "is this the address"},
		"HTML with 200":         {[]reply{{status: 200, body: "<html>"}}, nil, "answered 200"},
		"no token":              {[]reply{{status: 200, body: `{}`}}, nil, "no bearer token"},
		"a token of other kind": {[]reply{{status: 200, body: `{"access_token":"x","token_type":"DPoP"}`}}, nil, "no bearer token"},
		"sent elsewhere":        {[]reply{{status: 307, header: map[string]string{"Location": "https://evil.example/t?x"}}}, nil, "sends on to https://evil.example:"},
		"a hostile sentence":    {[]reply{{status: 400, body: `{"error":"x","error_description":"a\u001b[31mb\u202ec"}`}}, nil, "(a[31mbc)"},
	} {
		t.Run(name, func(t *testing.T) {
			for mount, routes := range map[string]map[string][]reply{"standard": standard(c.polls...), "canonical": canonical(c.polls...)} {
				client, _, _ := run(t, routes)
				_, err := client.Poll(t.Context(), start(t, client))
				if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: got %v, want %v %q", mount, err, c.want, c.says)
				}
			}
		})
	}
}

func TestACodeIsAskedForOnceMoreAfterItsEnd(t *testing.T) {
	polls := []reply{}
	for range 180 { // 15 minutes of 5 s
		polls = append(polls, word("authorization_pending"))
	}
	polls[179] = reply{status: 200, body: tokenBody} // approved in the last second
	client, clock, _ := run(t, standard(polls...))
	a := start(t, client)
	clock.now = clock.now.Add(2 * s) // so that the interval does not divide what is left
	if _, err := client.Poll(t.Context(), a); err != nil {
		t.Error(err)
	}
	if got := clock.waits[len(clock.waits)-1]; got != 5*s {
		t.Errorf("got the last poll after %s, want the interval of 5s", got)
	}
}

func TestPollStopsWithItsContext(t *testing.T) {
	client, clock, script := run(t, standard(word("authorization_pending")))
	a := start(t, client)
	ctx, cancel := context.WithCancel(t.Context())
	client.Wait = func(ctx context.Context, d time.Duration) error {
		if len(clock.waits) == 2 {
			cancel()
		}
		return clock.Wait(ctx, d)
	}
	if _, err := client.Poll(ctx, a); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if n := script.count("POST /t"); n != 2 {
		t.Errorf("polled %d times, want 2", n)
	}
}
