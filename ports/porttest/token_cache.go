package porttest

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// TokenCacheUnderTest is an adapter and what a test must be able to do with it.
type TokenCacheUnderTest struct {
	ports.TokenCache
	Other   ports.TokenCache // of another replica; nil: replicas know nothing of each other
	MaxAge  time.Duration    // of what is kept
	Advance func(time.Duration)
	Kept    func() int
}

// TokenCache tests a [ports.TokenCache]. Open returns an empty one for this test
// alone; it is called once for each subtest.
func TokenCache(t *testing.T, open func(t *testing.T) TokenCacheUnderTest) {
	t.Run("a token is found as it was kept, and nothing else is", func(t *testing.T) {
		c, live := open(t), aToken(t)
		absent(t, c, live)
		fill(c, live)
		found, _ := c.Find(live.Digest())
		if found == nil {
			t.Fatal("got nothing, want the token")
		}
		equal(t, found.Snapshot(), live.Snapshot())
		absent(t, c, aToken(t))
	})

	t.Run("what is found and what was kept can be changed without changing what is kept", func(t *testing.T) {
		c, live := open(t), aToken(t)
		before := live.Snapshot()
		fill(c, live)
		_, _, err := live.RecordUse(before.CreatedAt.Add(time.Minute), request.Origin{})
		must(t, err)
		found, _ := c.Find(before.Digest)
		found.Revoke("test", audit.Actor{}, before.CreatedAt, request.Origin{})
		again, _ := c.Find(before.Digest)
		equal(t, again.Snapshot(), before)
	})

	t.Run("a later state replaces an earlier one", func(t *testing.T) {
		c, live := open(t), aToken(t)
		fill(c, live)
		_, _, err := live.RecordUse(live.Snapshot().CreatedAt.Add(time.Minute), request.Origin{})
		must(t, err)
		fill(c, live)
		found, _ := c.Find(live.Digest())
		equal(t, found.Snapshot(), live.Snapshot())
	})

	t.Run("a token ends its life a fixed time after the read that it comes from began", func(t *testing.T) {
		c, live := open(t), aToken(t)
		_, mark := c.Find(live.Digest())
		c.Advance(c.MaxAge - time.Microsecond)
		c.Fill(mark, live)
		present(t, c, live)
		c.Fill(mark, live) // again: that prolongs nothing
		c.Advance(time.Microsecond)
		absent(t, c, live)
		c.Fill(mark, live)
		absent(t, c, live)
		fill(c, live)
		present(t, c, live)
	})

	t.Run("a clock that is set back prolongs nothing", func(t *testing.T) {
		c, live := open(t), aToken(t)
		fill(c, live)
		c.Advance(-time.Hour)
		absent(t, c, live)
	})

	t.Run("without a mark nothing is kept, nor is a token that has ended", func(t *testing.T) {
		c, live := open(t), aToken(t)
		c.Fill(ports.CacheMark{}, live)
		absent(t, c, live)
		digest := live.Digest()
		_, mark := c.Find(digest)
		live.Revoke("test", audit.Actor{}, live.Snapshot().CreatedAt, request.Origin{})
		c.Fill(mark, live)
		if found, _ := c.Find(digest); found != nil {
			t.Errorf("got %+v, want nothing", found.Snapshot())
		}
	})

	t.Run("an invalidated token is not found, and others are", func(t *testing.T) {
		c, ended, other := open(t), aToken(t), aToken(t)
		fill(c, ended)
		fill(c, other)
		must(t, c.Invalidate(t.Context(), ended.Digest()))
		absent(t, c, ended)
		present(t, c, other)
		must(t, c.Invalidate(t.Context(), ended.Digest(), aToken(t).Digest()))
		must(t, c.Invalidate(t.Context()))
		absent(t, c, ended)
		present(t, c, other)
	})

	t.Run("a read that straddles an invalidation keeps nothing", func(t *testing.T) {
		c, ended := open(t), aToken(t)
		_, mark := c.Find(ended.Digest())
		must(t, c.Invalidate(t.Context(), ended.Digest()))
		c.Fill(mark, ended)
		absent(t, c, ended)
	})

	t.Run("a read between the two invalidations of a transaction keeps nothing", func(t *testing.T) {
		c, ended := open(t), aToken(t)
		must(t, c.Invalidate(t.Context(), ended.Digest()))
		_, mark := c.Find(ended.Digest())
		c.Fill(mark, ended)
		absent(t, c, ended)
		must(t, c.Invalidate(t.Context(), ended.Digest()))
		c.Fill(mark, ended)
		absent(t, c, ended)
	})

	t.Run("a token whose transaction was rolled back is kept again later", func(t *testing.T) {
		c, live := open(t), aToken(t)
		must(t, c.Invalidate(t.Context(), live.Digest()))
		Eventually(t, "the token is kept", func() bool { // a replica receives its own tombstone, too, perhaps after an advance
			c.Advance(time.Hour)
			fill(c, live)
			found, _ := c.Find(live.Digest())
			return found != nil
		})
	})

	t.Run("a straddling read keeps nothing however many tokens end meanwhile", func(t *testing.T) {
		c, ended := open(t), aToken(t)
		_, mark := c.Find(ended.Digest())
		must(t, c.Invalidate(t.Context(), ended.Digest()))
		for range 50 {
			must(t, c.Invalidate(t.Context(), digests(1000)...))
		}
		c.Fill(mark, ended)
		absent(t, c, ended)
	})

	t.Run("tens of thousands end at once", func(t *testing.T) {
		c := open(t)
		var all []*token.AccessToken
		var ended []secret.Digest
		for range 100 {
			all = append(all, aToken(t))
			fill(c, all[len(all)-1])
			ended = append(ended, all[len(all)-1].Digest())
		}
		must(t, c.Invalidate(t.Context(), append(ended, digests(30_000)...)...))
		for _, one := range all {
			absent(t, c, one)
		}
	})

	t.Run("all are invalidated, and straddling reads keep nothing", func(t *testing.T) {
		c, one, two := open(t), aToken(t), aToken(t)
		fill(c, one)
		_, mark := c.Find(two.Digest())
		must(t, c.InvalidateAll(t.Context()))
		c.Fill(mark, two)
		absent(t, c, one)
		absent(t, c, two)
		if c.Other == nil { // else this replica receives its own tombstone, later
			fill(c, two)
			present(t, c, two)
		}
	})

	t.Run("what is kept is bounded", func(t *testing.T) {
		c, one := open(t), aToken(t)
		before := c.Kept()
		for _, digest := range digests(40_000) {
			s := one.Snapshot()
			s.Digest = digest
			another, err := token.Restore(s)
			must(t, err)
			fill(c, another)
		}
		if kept := c.Kept() - before; kept > 20_000 {
			t.Errorf("got %d tokens kept, want a bound", kept)
		}
	})

	t.Run("no token is found once its invalidation has returned", func(t *testing.T) {
		c := open(t)
		for range 20 {
			raceTokenEnd(t, c, c, func(live *token.AccessToken) { absent(t, c, live) })
		}
	})

	t.Run("another replica does not find a token that ended, nor bring it back", func(t *testing.T) {
		c := open(t)
		if c.Other == nil {
			t.Skip("replicas know nothing of each other")
		}
		for range 10 {
			raceTokenEnd(t, c, c.Other, func(live *token.AccessToken) {
				Eventually(t, "the token is not found", func() bool { found, _ := c.Other.Find(live.Digest()); return found == nil })
			})
		}
		live := aToken(t)
		fill(c.Other, live)
		present(t, c.Other, live)
		must(t, c.InvalidateAll(t.Context()))
		Eventually(t, "the token is not found", func() bool { found, _ := c.Other.Find(live.Digest()); return found == nil })
	})
}

// raceTokenEnd lets readers fill one cache from a store in which a token ends, as a
// transaction ends it, through another cache.
func raceTokenEnd(t *testing.T, ending, filling ports.TokenCache, ended func(*token.AccessToken)) {
	t.Helper()
	live := aToken(t)
	digest := live.Digest()
	var dead atomic.Bool
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			next := time.NewTicker(50 * time.Microsecond)
			defer next.Stop()
			for {
				if found, mark := filling.Find(digest); found == nil && !dead.Load() {
					runtime.Gosched() // the read has its answer, and its fill comes late
					filling.Fill(mark, live)
				}
				select {
				case <-stop:
					return
				case <-next.C:
				}
			}
		})
	}
	defer readers.Wait()
	defer close(stop)
	Eventually(t, "a reader has filled the token in", func() bool { found, _ := filling.Find(digest); return found != nil })
	must(t, ending.Invalidate(t.Context(), digest))
	dead.Store(true) // the commit
	must(t, ending.Invalidate(t.Context(), digest))
	ended(live)
}

func aToken(t *testing.T) *token.AccessToken {
	t.Helper()
	email, err := identity.ParseEmail("ann@example.com")
	must(t, err)
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	live, _, _ := token.Mint(token.Order{
		ID: uid.New(at), Subject: identity.ExternalSSO, Lifetime: token.Lifetime(hour),
		Device: token.Device{Email: email, Issuer: "https://idp.example", ClientID: "difyctl", Label: "laptop"},
	}, at, request.Origin{})
	return live
}

// digests are of no other test.
func digests(n int) []secret.Digest {
	all := make([]secret.Digest, n)
	first := random()
	for i := range all {
		all[i] = first
		binary.BigEndian.PutUint32(all[i][:], uint32(i))
	}
	return all
}

func fill(c ports.TokenCache, t *token.AccessToken) {
	_, mark := c.Find(t.Digest())
	c.Fill(mark, t)
}

func present(t *testing.T, c ports.TokenCache, want *token.AccessToken) {
	t.Helper()
	if found, _ := c.Find(want.Digest()); found == nil {
		t.Error("got nothing, want the token")
	}
}

func absent(t *testing.T, c ports.TokenCache, of *token.AccessToken) {
	t.Helper()
	if found, _ := c.Find(of.Digest()); found != nil {
		t.Error("got the token, want nothing")
	}
}
