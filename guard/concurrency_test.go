package guard_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

// gated returns a guard of s whose calls wait until open is closed.
func gated(t *testing.T, s *guardtest.Server, open <-chan struct{}) *guard.Guard {
	return build(t, s, func(c *guard.Config) {
		through := c.HTTPClient.Transport
		c.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			select {
			case <-open:
				return through.RoundTrip(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})}
	})
}

func TestConcurrentRequestsShareOneCallAndOneLeavingFailsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, open := guardtest.NewServer(), make(chan struct{})
		g, token := gated(t, s, open), s.Issue(guard.Token{Subject: "ada"})

		first, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := g.Verify(first, token)
			left <- err
		}()
		synctest.Wait() // the call is under way
		var waiting sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			waiting.Go(func() { _, errs[i] = g.Verify(t.Context(), token) })
		}
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v for the request that left, want context.Canceled", err)
		}
		close(open)
		waiting.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Errorf("got %v for the others, want valid tokens", err)
		}
		if got := s.Calls(); got != 1 {
			t.Errorf("got %d calls, want 1", got)
		}
	})
}

func TestWaitingRequestsHearOfAFailureTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g, token := gated(t, s, nil), s.Issue(guard.Token{}) // never opens
		var waiting sync.WaitGroup
		var unavailable atomic.Int32
		began := time.Now()
		for range 8 {
			waiting.Go(func() {
				if _, err := g.Verify(t.Context(), token); errors.Is(err, guard.ErrUnavailable) {
					unavailable.Add(1)
				}
			})
		}
		waiting.Wait()
		if got := unavailable.Load(); got != 8 {
			t.Errorf("got %d refusals, want 8", got)
		}
		// The bubble's clock stands still but for waiting.
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("got an answer after %v, want the default Timeout of 3 s", got)
		}
	})
}

func TestACancelledContextStartsNoCall(t *testing.T) {
	s := guardtest.NewServer()
	token := s.Issue(guard.Token{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Guard().Verify(ctx, token); !errors.Is(err, context.Canceled) || s.Calls() != 0 {
		t.Errorf("got %v and %d calls, want context.Canceled and none", err, s.Calls())
	}
}

func TestOneTokensAnswerIsNoOthers(t *testing.T) {
	s := guardtest.NewServer()
	g := build(t, s, func(c *guard.Config) { c.MaxEntries = 3 })
	var all sync.WaitGroup
	for _, name := range []string{"ada", "bob", "cyd", "dan", "eve"} {
		token := s.Issue(guard.Token{Subject: name})
		for range 4 {
			all.Go(func() {
				for range 200 {
					if got, err := g.Verify(t.Context(), token); err != nil || got.Subject != name {
						t.Errorf("got %q (%v), want %q", got.Subject, err, name)
					}
				}
			})
		}
	}
	all.Wait()
}

// Requests verify all the time while the token is revoked: none that comes
// MaxAge later is let through.
func TestNothingIsAcceptedMaxAgeAfterTheRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g, token := s.Guard(), s.Issue(guard.Token{})
		var revoked time.Time
		var mu sync.Mutex
		var all sync.WaitGroup
		accepted := 0
		for i := range 64 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				for range 200 {
					began := time.Now()
					_, err := g.Verify(t.Context(), token)
					mu.Lock()
					if err == nil && !revoked.IsZero() {
						accepted++
						if late := began.Sub(revoked); late >= 5*time.Second {
							t.Errorf("got the token accepted %v after its revocation, want at most 5s", late)
						}
					}
					mu.Unlock()
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		time.Sleep(2 * time.Second)
		mu.Lock()
		s.Revoke(token)
		revoked = time.Now()
		mu.Unlock()
		all.Wait()
		if accepted == 0 {
			t.Error("got no verification after the revocation, want one at least: else the test shows nothing")
		}
	})
}

func TestAPanickingClientEndsTheCall(t *testing.T) {
	config := answering(func(*http.Request) (*http.Response, error) { panic("token " + wellFormed) })
	g, err := guard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := g.Verify(t.Context(), wellFormed); !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	}
}

func TestAClosedKeptAliveConnectionIsNoOutage(t *testing.T) {
	s := guardtest.NewServer()
	var requests atomic.Int32
	server := newTCPServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 2 { // after the request was sent on a kept connection
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		s.ServeHTTP(w, r)
	}))
	g := build(t, s, func(c *guard.Config) { c.Endpoint, c.HTTPClient, c.MaxAge = server, nil, -1 })
	token := s.Issue(guard.Token{})
	for range 2 {
		if err := verify(t, g, token); err != nil {
			t.Fatalf("got %v, want a valid token", err)
		}
	}
	if got := requests.Load(); got != 3 {
		t.Errorf("got %d requests, want 3: one was repeated", got)
	}
}
