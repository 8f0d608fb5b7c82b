package memory

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

const (
	// tokensKept bounds the tokens: some ten MiB.
	tokensKept = 1 << 14
	// tombstoneLife is longer than a transaction takes from its first call of
	// Invalidate to its commit.
	tombstoneLife = time.Minute
	// tombstonesKept bounds the tombstones: some two MiB.
	tombstonesKept = 1 << 14
)

// TokenCache is [ports.TokenCache] for one process. Other replicas do not learn
// of an invalidation: for them maxAge is the bound.
type TokenCache struct {
	now    ports.Clock
	maxAge time.Duration

	mu         sync.RWMutex
	tokens     *expiring[secret.Digest, keptToken]
	tombstones map[secret.Digest]uint64 // the sequence number of the last one
	order      []tombstone              // from the oldest to the newest
	sequence   uint64                   // of the last invalidation
	floor      uint64                   // marks below it are refused

	hits, misses, invalidations atomic.Uint64
}

// keptToken is not changed once it is kept.
type keptToken struct {
	token *token.AccessToken
	since time.Time // a clock that was set back keeps nothing longer
}

type tombstone struct {
	digest   secret.Digest
	sequence uint64
	until    time.Time
}

// NewTokenCache makes an empty one that keeps a token for maxAge after the read
// that it comes from began; 0 keeps nothing.
func NewTokenCache(now ports.Clock, maxAge time.Duration) *TokenCache {
	return &TokenCache{
		now: now, maxAge: maxAge, sequence: 1,
		tokens:     newExpiring[secret.Digest, keptToken](tokensKept),
		tombstones: map[secret.Digest]uint64{},
	}
}

// Find implements [ports.TokenCache].
func (c *TokenCache) Find(digest secret.Digest) (*token.AccessToken, ports.CacheMark) {
	now := c.now()
	c.mu.RLock()
	found, ok := c.tokens.get(digest, now)
	mark := ports.CacheMark{At: now, Sequence: c.sequence}
	c.mu.RUnlock()
	if !ok || now.Before(found.value.since) {
		c.misses.Add(1)
		if c.maxAge <= 0 {
			mark = ports.CacheMark{} // nothing will be kept
		}
		return nil, mark
	}
	c.hits.Add(1)
	return found.value.token.Copy(), mark
}

// Fill implements [ports.TokenCache].
func (c *TokenCache) Fill(mark ports.CacheMark, t *token.AccessToken) {
	if mark.IsZero() || c.maxAge <= 0 {
		return
	}
	digest := t.Digest()
	if digest.IsZero() {
		return
	}
	t = t.Copy()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.dropTombstones(now)
	if _, dead := c.tombstones[digest]; dead || mark.Sequence < c.floor {
		return
	}
	if until := mark.At.Add(c.maxAge); now.Before(until) {
		c.tokens.put(digest, keptToken{t, mark.At}, until, now)
	}
}

// Invalidate implements [ports.TokenCache].
func (c *TokenCache) Invalidate(_ context.Context, digests ...secret.Digest) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for _, digest := range digests {
		c.sequence++
		c.tokens.drop(digest)
		c.tombstones[digest] = c.sequence
		c.order = append(c.order, tombstone{digest, c.sequence, now.Add(tombstoneLife)})
	}
	c.dropTombstones(now)
	c.invalidations.Add(uint64(len(digests)))
	return nil
}

// dropTombstones forgets those that are old or too many. Marks from before a
// forgotten one are refused from then on, so a read may take any time.
func (c *TokenCache) dropTombstones(now time.Time) {
	n := max(0, len(c.order)-tombstonesKept)
	for n < len(c.order) && !now.Before(c.order[n].until) {
		n++
	}
	for _, old := range c.order[:n] {
		c.floor = max(c.floor, old.sequence)
		if c.tombstones[old.digest] == old.sequence {
			delete(c.tombstones, old.digest)
		}
	}
	c.order = c.order[n:]
}

// InvalidateAll implements [ports.TokenCache].
func (c *TokenCache) InvalidateAll(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence++
	c.floor = c.sequence
	clear(c.tokens.entries)
	c.invalidations.Add(1)
	return nil
}

// TokenCacheStats counts since the process started.
type TokenCacheStats struct {
	Hits, Misses, Invalidations uint64
	Kept                        int // now
}

// Stats counts how the cache was used.
func (c *TokenCache) Stats() TokenCacheStats {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return TokenCacheStats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Invalidations: c.invalidations.Load(),
		Kept: len(c.tokens.entries),
	}
}
