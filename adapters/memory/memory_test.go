package memory

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// newClock makes a time that tests move.
func newClock() *porttest.Clock {
	return porttest.NewClock(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
}

func TestPollThrottle(t *testing.T) {
	porttest.PollThrottle(t, func(*testing.T) porttest.PollThrottleUnderTest {
		c := newClock()
		p := NewPollThrottle(c.Now)
		return porttest.PollThrottleUnderTest{PollThrottle: p, Advance: c.Advance, Settle: func() {}, Kept: p.kept}
	})
}

func TestLimiter(t *testing.T) {
	porttest.Limiter(t, func(*testing.T) porttest.LimiterUnderTest {
		c := newClock()
		l := NewLimiter(c.Now)
		return porttest.LimiterUnderTest{Limiter: l, Advance: c.Advance, Kept: func() int { return kept(l) }}
	})
}

// away is a limiter that cannot count.
type away struct{ ports.Limiter }

var errAway = errors.New("away")

func (away) Take(context.Context, quota.Limit, string) (quota.Allowance, error) {
	return quota.Allowance{}, errAway
}

func (away) TakeDistinct(context.Context, quota.Limit, string, string) (quota.Allowance, error) {
	return quota.Allowance{}, errAway
}

func (away) Peek(context.Context, quota.Limit, string) (quota.Allowance, error) {
	return quota.Allowance{}, errAway
}

func (away) Batch(context.Context, ...ports.LimiterStep) ([]quota.Allowance, error) {
	return nil, errAway
}

func TestLimitsHoldInThisProcessWhileTheSharedOnesAreAway(t *testing.T) {
	for name, first := range map[string]func(*porttest.Clock) ports.Limiter{
		"there": func(c *porttest.Clock) ports.Limiter { return NewLimiter(c.Now) },
		"away":  func(*porttest.Clock) ports.Limiter { return away{} },
	} {
		t.Run(name, func(t *testing.T) {
			porttest.Limiter(t, func(*testing.T) porttest.LimiterUnderTest {
				c := newClock()
				shared := first(c)
				l := NewFallback(shared, c.Now)
				return porttest.LimiterUnderTest{Limiter: l, Advance: c.Advance, Kept: func() int {
					n := kept(l.own)
					if own, counts := shared.(*Limiter); counts {
						n += kept(own)
					}
					return n
				}}
			})
		})
	}
}

// awayThrottle is a poll throttle that knows nothing.
type awayThrottle struct{}

func (awayThrottle) CheckPending(context.Context, secret.Digest, string, time.Duration) (pending, due bool, err error) {
	return false, false, errAway
}

func (awayThrottle) CachePending(context.Context, secret.Digest, ports.PendingHint) error {
	return errAway
}

func (awayThrottle) Release(context.Context, secret.Digest) error { return errAway }

func (awayThrottle) Invalidate(context.Context, secret.Digest) error { return errAway }

func TestThePollingIntervalHoldsInThisProcessWhileTheSharedThrottleIsAway(t *testing.T) { // F53
	for name, first := range map[string]func(*porttest.Clock) ports.PollThrottle{
		"there": func(c *porttest.Clock) ports.PollThrottle { return NewPollThrottle(c.Now) },
		"away":  func(*porttest.Clock) ports.PollThrottle { return awayThrottle{} },
	} {
		t.Run(name, func(t *testing.T) {
			porttest.PollThrottle(t, func(*testing.T) porttest.PollThrottleUnderTest {
				c := newClock()
				shared := first(c)
				f := NewThrottleFallback(shared, c.Now)
				return porttest.PollThrottleUnderTest{PollThrottle: f, Advance: c.Advance, Settle: func() {}, Kept: func() int {
					n := f.own.kept()
					if own, keeps := shared.(*PollThrottle); keeps {
						n += own.kept()
					}
					return n
				}}
			})
		})
	}
}

func (p *PollThrottle) kept() int {
	return len(p.waiting.entries) + len(p.polled.entries) + len(p.decided.entries)
}

func kept(l *Limiter) int {
	n := 0
	for _, e := range l.windows.entries {
		n += 1 + len(e.value.things)
	}
	return n
}

func TestExpiredEntriesAreSweptBeforeTheMapDoubles(t *testing.T) {
	c := newClock()
	l := NewLimiter(c.Now)
	limit := quota.Limit{Name: "test", Max: 3, Per: time.Minute}
	for i := range 100 * firstSweep {
		if _, err := l.Take(t.Context(), limit, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		c.Advance(limit.Per / firstSweep)
		if n := len(l.windows.entries); n > 3*firstSweep {
			t.Fatalf("got %d entries, want at most %d: of %d at most are still counted", n, 3*firstSweep, firstSweep)
		}
	}
}

func TestMadeUpKeysCannotGrowMemoryWithoutBound(t *testing.T) {
	c := newClock()
	l := NewLimiter(c.Now)
	limit := quota.Limit{Name: "test", Max: 3, Per: time.Hour}
	for i := range 2 * capacity {
		if _, err := l.Take(t.Context(), limit, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.windows.entries); n > capacity {
		t.Errorf("got %d entries, want at most %d", n, capacity)
	}
}

func TestSharedLimitsAreNotEvictedByOthers(t *testing.T) {
	l := NewLimiter(newClock().Now)
	shared, own := quota.Limit{Name: "shared", Max: 1, Per: time.Hour, Shared: true}, quota.Limit{Name: "own", Max: 3, Per: time.Hour}
	if _, err := l.Take(t.Context(), shared, "all"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * capacity {
		if _, err := l.Take(t.Context(), own, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := l.Peek(t.Context(), shared, "all"); err != nil || !left.Exceeded {
		t.Errorf("Peek(shared) = %+v, %v, want it still exceeded", left, err)
	}
}

func TestPollersOfOneCodeCannotGrowMemoryWithoutBound(t *testing.T) {
	c := newClock()
	p := NewPollThrottle(c.Now)
	code := secret.New("code", "x").Digest()
	for i := range 10 * pollersPerCode {
		if err := p.CachePending(t.Context(), code, ports.PendingHint{Poller: fmt.Sprint(i), TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	waiting, _ := p.waiting.get(code, c.Now())
	if n := len(waiting.value); n > pollersPerCode {
		t.Errorf("got %d entries, want at most %d", n, pollersPerCode)
	}
}

func TestTokenCache(t *testing.T) {
	porttest.TokenCache(t, func(*testing.T) porttest.TokenCacheUnderTest {
		c := newClock()
		cache := NewTokenCache(c.Now, time.Second)
		return porttest.TokenCacheUnderTest{TokenCache: cache, MaxAge: time.Second, Advance: c.Advance, Kept: func() int { return cache.Stats().Kept }}
	})
}

func TestATokenCacheWithoutAnAgeKeepsNothing(t *testing.T) {
	c := newClock()
	cache := NewTokenCache(c.Now, 0)
	_, mark := cache.Find(secret.Digest{1})
	live, _, _ := token.Mint(token.Order{Subject: identity.ExternalSSO, Lifetime: token.Lifetime(time.Hour)}, c.Now(), request.Origin{})
	cache.Fill(mark, live)
	if got := cache.Stats().Kept; got != 0 {
		t.Errorf("got %d tokens kept, want 0", got)
	}
}

// Whatever ends, the tombstones are bounded.
func TestTombstonesAreBounded(t *testing.T) {
	c := newClock()
	cache := NewTokenCache(c.Now, time.Second)
	for range 3 * tombstonesKept {
		if err := cache.Invalidate(t.Context(), secret.Random("", 32).Digest()); err != nil {
			t.Fatal(err)
		}
	}
	if len(cache.tombstones) > tombstonesKept || len(cache.order) > tombstonesKept {
		t.Errorf("got %d and %d tombstones, want at most %d", len(cache.tombstones), len(cache.order), tombstonesKept)
	}
	c.Advance(tombstoneLife)
	if err := cache.Invalidate(t.Context(), secret.Digest{1}); err != nil || len(cache.tombstones) != 1 {
		t.Errorf("got %d tombstones after their life, %v, want 1", len(cache.tombstones), err)
	}
}
