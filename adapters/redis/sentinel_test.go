package redis_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports/porttest"
)

// endable is a token of a store that many replicas share.
type endable struct {
	*token.AccessToken
	endedAt atomic.Int64 // of the commit, since the test began; 0: it lives
}

// While a sentinel replaces the master, no replica accepts a token for longer than
// what a cache keeps after it was revoked, and the replicas trust their caches again
// afterwards.
func TestAFailoverKeepsNoRevokedTokenAlive(t *testing.T) {
	sentinel := services.RedisSentinel(t)
	const ttl = 5 * time.Second // TOKEN_CACHE_TTL
	began := time.Now()
	elapsed := func() int64 { return int64(time.Since(began)) + 1 }

	replicas := make([]*redis.TokenCache, 2)
	for i := range replicas {
		replicas[i] = redis.NewTokenCache(open(t, sentinel.URL()), memory.NewTokenCache(time.Now, ttl))
	}
	trusted := func() bool {
		for _, r := range replicas {
			if now, _ := r.Trusted(); !now {
				return false
			}
		}
		return true
	}
	porttest.Eventually(t, "both replicas trust their caches", trusted)

	tokens := make([]*endable, 400)
	for i := range tokens {
		tokens[i] = &endable{AccessToken: aToken()}
	}
	var accepted, late, longest atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var verifying sync.WaitGroup
	for i := range 4 {
		cache := replicas[i%2]
		verifying.Go(func() {
			next := time.NewTicker(100 * time.Microsecond)
			defer next.Stop()
			for n := i; ctx.Err() == nil; n++ {
				<-next.C
				one := tokens[n%len(tokens)]
				at := elapsed()
				found, mark := cache.Find(one.Digest())
				if found == nil && one.endedAt.Load() == 0 { // the store's answer
					cache.Fill(mark, one.AccessToken)
					found = one.AccessToken
				}
				if found == nil {
					continue
				}
				accepted.Add(1)
				if ended := one.endedAt.Load(); ended != 0 && ended < at {
					late.Add(1)
					for was := longest.Load(); at-ended > was && !longest.CompareAndSwap(was, at-ended); was = longest.Load() {
					}
				}
			}
		})
	}
	revoke := func(n int) {
		one, by := tokens[n], replicas[n%2]
		_ = by.Invalidate(t.Context(), one.Digest())
		one.endedAt.Store(elapsed())
		_ = by.Invalidate(t.Context(), one.Digest())
	}

	// Revocations go on at an even pace through the whole failover.
	next := time.NewTicker(20 * time.Millisecond)
	defer next.Stop()
	lostAt, backAt := time.Duration(0), time.Duration(0)
	for n := range tokens {
		<-next.C
		if n == 100 {
			sentinel.KillMaster()
		}
		revoke(n)
		switch {
		case n >= 100 && lostAt == 0 && !trusted():
			lostAt = time.Since(began)
		case lostAt != 0 && backAt == 0 && trusted():
			backAt = time.Since(began)
		}
	}
	porttest.Eventually(t, "both replicas trust their caches again", trusted)
	stop()
	verifying.Wait()
	t.Logf("%d verifications were accepted, %d of them late, the longest by %s; the caches were not trusted from %s to %s",
		accepted.Load(), late.Load(), time.Duration(longest.Load()).Round(100*time.Microsecond), lostAt.Round(time.Millisecond), backAt.Round(time.Millisecond))
	if lostAt == 0 {
		t.Error("the caches were trusted all the time, want the failover to be noticed")
	}
	if got := time.Duration(longest.Load()); got > ttl {
		t.Errorf("got a token accepted %s after its revocation, want %s at most", got, ttl)
	}
	for _, r := range replicas {
		for n, one := range tokens {
			if found, _ := r.Find(one.Digest()); found != nil {
				t.Errorf("token %d: got it afterwards, want nothing", n)
			}
		}
	}
}
