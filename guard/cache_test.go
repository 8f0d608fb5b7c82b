package guard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

func verify(t *testing.T, g *guard.Guard, token string) error {
	t.Helper()
	_, err := g.Verify(t.Context(), token)
	return err
}

func TestARevokedTokenIsRefusedAfterMaxAge(t *testing.T) {
	for _, c := range []struct{ set, bound time.Duration }{{0, 5 * time.Second}, {2 * time.Second, 2 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			s := guardtest.NewServer()
			g := build(t, s, func(config *guard.Config) { config.MaxAge = c.set })
			token := s.Issue(guard.Token{})
			if err := verify(t, g, token); err != nil {
				t.Fatalf("got %v, want a valid token", err)
			}
			s.Revoke(token)
			time.Sleep(c.bound - time.Nanosecond)
			if err := verify(t, g, token); err != nil {
				t.Errorf("got %v within %v, want the kept answer", err, c.bound)
			}
			time.Sleep(time.Nanosecond)
			if err := verify(t, g, token); !errors.Is(err, guard.ErrInvalidToken) {
				t.Errorf("got %v after %v, want ErrInvalidToken", err, c.bound)
			}
		})
	}
}

func TestTheAgeOfAnAnswerCountsFromItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		token := s.Issue(guard.Token{})
		g := build(t, s, func(c *guard.Config) {
			through := c.HTTPClient.Transport
			c.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				w, err := through.RoundTrip(r)
				time.Sleep(2 * time.Second) // the answer is slow
				return w, err
			})}
		})
		if err := verify(t, g, token); err != nil {
			t.Fatal(err)
		}
		s.Revoke(token)
		time.Sleep(3 * time.Second) // five since the question
		if err := verify(t, g, token); !errors.Is(err, guard.ErrInvalidToken) {
			t.Errorf("got %v, want ErrInvalidToken", err)
		}
	})
}

func TestNoAnswerOutlivesTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g := build(t, s, func(c *guard.Config) { c.MaxAge, c.OutageMaxAge = time.Hour, 2*time.Hour })
		token := s.Issue(guard.Token{ExpiresAt: time.Now().Add(2 * time.Second)})
		if err := verify(t, g, token); err != nil {
			t.Fatal(err)
		}
		s.SetDown(true)
		time.Sleep(2*time.Second - time.Nanosecond)
		if err := verify(t, g, token); err != nil {
			t.Errorf("got %v before exp, want the kept answer", err)
		}
		time.Sleep(time.Nanosecond)
		if err := verify(t, g, token); !errors.Is(err, guard.ErrInvalidToken) {
			t.Errorf("got %v at exp, want ErrInvalidToken", err)
		}
	})
}

func TestAnInactiveAnswerIsKeptForNegativeMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g := s.Guard()
		for _, want := range []int{1, 1, 2} {
			if err := verify(t, g, wellFormed); !errors.Is(err, guard.ErrInvalidToken) {
				t.Errorf("got %v, want ErrInvalidToken", err)
			}
			if got := s.Calls(); got != want {
				t.Errorf("got %d calls, want %d", got, want)
			}
			time.Sleep(600 * time.Millisecond)
		}
	})
}

func TestNegativeAgesSwitchKeepingOff(t *testing.T) {
	s := guardtest.NewServer()
	g := build(t, s, func(c *guard.Config) { c.MaxAge, c.NegativeMaxAge = -1, -1 })
	token := s.Issue(guard.Token{})
	for range 3 {
		if err := verify(t, g, token); err != nil {
			t.Error(err)
		}
		_ = verify(t, g, wellFormed)
	}
	if got := s.Calls(); got != 6 {
		t.Errorf("got %d calls, want 6", got)
	}
}

func TestTheCacheIsBoundedAndGarbageDisplacesNoRealToken(t *testing.T) {
	s := guardtest.NewServer()
	g := build(t, s, func(c *guard.Config) { c.MaxEntries, c.MaxAge, c.NegativeMaxAge = 2, time.Hour, time.Hour })
	first, second, third := s.Issue(guard.Token{}), s.Issue(guard.Token{}), s.Issue(guard.Token{})
	check := func(token string, asks int) {
		t.Helper()
		before := s.Calls()
		_ = verify(t, g, token)
		if got := s.Calls() - before; got != asks {
			t.Errorf("got %d calls, want %d", got, asks)
		}
	}
	check(first, 1)
	check(second, 1)
	for i := range 100 {
		check(fmt.Sprintf("dfoe_%s%03d", strings.Repeat("A", 40), i), 1)
	}
	check(fmt.Sprintf("dfoe_%s%03d", strings.Repeat("A", 40), 99), 0)
	check(fmt.Sprintf("dfoe_%s%03d", strings.Repeat("A", 40), 0), 1) // displaced
	check(first, 0)
	check(third, 1) // displaces the second, unused for longest
	check(first, 0)
	check(second, 1)
}

func TestAnOutageRefusesWhatCannotBeChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g := s.Guard()
		token := s.Issue(guard.Token{})
		if err := verify(t, g, token); err != nil {
			t.Fatal(err)
		}
		s.SetDown(true)
		time.Sleep(5 * time.Second)
		if err := verify(t, g, token); !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		s.SetDown(false)
		if err := verify(t, g, token); err != nil {
			t.Errorf("got %v after the outage, want a valid token", err)
		}
	})
}

func TestOutageMaxAgeBoundsWhatAnOutageLetsThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g := build(t, s, func(c *guard.Config) { c.OutageMaxAge = time.Minute })
		token := s.Issue(guard.Token{})
		if err := verify(t, g, token); err != nil {
			t.Fatal(err)
		}
		s.SetDown(true)
		time.Sleep(time.Minute - time.Nanosecond)
		before := s.Calls()
		for range 5 {
			if err := verify(t, g, token); err != nil {
				t.Errorf("got %v within OutageMaxAge, want the kept answer", err)
			}
		}
		if got := s.Calls() - before; got != 1 {
			t.Errorf("got %d calls of a server that is down, want 1 a second", got)
		}
		time.Sleep(time.Nanosecond)
		if err := verify(t, g, token); !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("got %v after OutageMaxAge, want ErrUnavailable", err)
		}
	})
}

func TestAnOutageDoesNotBringARevokedTokenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		g := build(t, s, func(c *guard.Config) { c.OutageMaxAge = time.Hour })
		token := s.Issue(guard.Token{})
		if err := verify(t, g, token); err != nil {
			t.Fatal(err)
		}
		s.Revoke(token)
		time.Sleep(5 * time.Second)
		_ = verify(t, g, token) // is told that it is inactive
		s.SetDown(true)
		time.Sleep(2 * time.Second)
		if err := verify(t, g, token); !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	})
}

// A call that began before the revocation may end after the one that learned
// of it.
func TestALateAnswerDoesNotReplaceALaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := guardtest.NewServer()
		token := s.Issue(guard.Token{})
		var requests atomic.Int32
		g := build(t, s, func(c *guard.Config) {
			through := c.HTTPClient.Transport
			c.MaxAge, c.NegativeMaxAge, c.OutageMaxAge, c.Timeout = time.Second, -1, time.Hour, time.Minute
			c.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				w, err := through.RoundTrip(r)
				if requests.Add(1) == 1 {
					time.Sleep(10 * time.Second)
				}
				return w, err
			})}
		})
		done := make(chan error)
		go func() {
			_, err := g.Verify(t.Context(), token)
			done <- err
		}()
		time.Sleep(2 * time.Second) // the first call is too old to be joined
		s.Revoke(token)
		if err := verify(t, g, token); !errors.Is(err, guard.ErrInvalidToken) {
			t.Errorf("got %v, want ErrInvalidToken", err)
		}
		<-done
		s.SetDown(true)
		if err := verify(t, g, token); !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	})
}
