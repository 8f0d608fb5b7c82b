package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
)

// together runs n calls that share a round trip.
func together(shared func(calls int, start func()), n int, call func(i int)) {
	var all sync.WaitGroup
	shared(n, func() {
		for i := range n {
			all.Go(func() { call(i) })
		}
	})
	all.Wait()
}

func scriptsRun(t *testing.T, r raw) int {
	t.Helper()
	return r.number("return tonumber(string.match(redis.call('INFO', 'commandstats'), 'cmdstat_evalsha:calls=(%d+)') or 0)")
}

func TestStepsThatAreSentTogetherGetTheirOwnAnswers(t *testing.T) {
	server := services.PrivateRedis(t)
	limiter := redis.NewLimiter(open(t, server.URL()))
	// The call of i takes i tries of its own key, and one of a key that all share.
	const calls = 8
	own := quota.Limit{Name: "own", Max: 4, Per: time.Hour}
	shared := quota.Limit{Name: "shared", Max: calls - 1, Per: time.Hour}
	var mu sync.Mutex
	exceeded := 0
	together(limiter.Together, calls, func(i int) {
		steps := []ports.LimiterStep{{Call: ports.Take, Limit: shared, Key: "all"}}
		for range i {
			steps = append(steps, ports.LimiterStep{Call: ports.Take, Limit: own, Key: fmt.Sprint(i)})
		}
		got, err := limiter.Batch(context.Background(), steps...)
		if err != nil {
			t.Error(err)
			return
		}
		for n, a := range got[1:] {
			if want := max(own.Max-n-1, 0); a.Remaining != want || a.Exceeded != (n >= own.Max) {
				t.Errorf("call %d, try %d: got %d left, exceeded %v, want %d left", i, n+1, a.Remaining, a.Exceeded, want)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if got[0].Exceeded {
			exceeded++
		}
	})
	if exceeded != 1 {
		t.Errorf("got %d of %d calls over the limit that they share, want 1", exceeded, calls)
	}
}

func TestPollsThatAreSentTogetherGetTheirOwnAnswers(t *testing.T) {
	server := services.PrivateRedis(t)
	r, p := openRaw(t, server.URL()), redis.NewPollThrottle(open(t, server.URL()))
	const calls = 8
	var codes [calls]secret.Digest
	for i := range codes {
		codes[i] = secret.Random("code", 24).Digest()
		if i%2 == 0 {
			if err := p.CachePending(t.Context(), codes[i], ports.PendingHint{Poller: "client", TTL: time.Minute}); err != nil {
				t.Fatal(err)
			}
		}
		if i%4 < 2 {
			if _, _, err := p.CheckPending(context.Background(), codes[i], "client", time.Minute); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Settle()
	before := scriptsRun(t, r)
	together(p.Together, calls, func(i int) {
		pending, due, err := p.CheckPending(context.Background(), codes[i], "client", time.Minute)
		if err != nil || pending != (i%2 == 0) || due != (i%4 >= 2) {
			t.Errorf("poll %d: got pending %v, due %v, %v, want %v, %v", i, pending, due, err, i%2 == 0, i%4 >= 2)
		}
	})
	if got := scriptsRun(t, r) - before; got != 1 {
		t.Errorf("got %d round trips for %d polls, want 1", got, calls)
	}
}

func TestCallsThatAreSentTogetherFailTogether(t *testing.T) {
	server := services.PrivateRedis(t)
	c := open(t, server.URL())
	limiter := redis.NewLimiter(c)
	limit := quota.Limit{Name: "test", Max: 1, Per: time.Hour}
	if _, err := limiter.Take(context.Background(), limit, "first"); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	together(limiter.Together, 4, func(i int) {
		if _, err := limiter.Take(context.Background(), limit, fmt.Sprint(i)); err == nil {
			t.Errorf("call %d: got an answer of a server that is stopped, want an error", i)
		}
	})
	if _, err := limiter.Take(context.Background(), limit, "last"); !errors.Is(err, redis.ErrDown) {
		t.Errorf("got %v, want %v", err, redis.ErrDown)
	}
}
