package redis

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// TokenCache is ports.TokenCache for all replicas together. The tokens stay in
// each process, in another cache; Redis holds tombstones alone, and tells every
// replica of each one (server-assisted client-side caching, in broadcast mode).
//
// The local cache is used only while the replica's own writes come back through
// the connection on which it is told of tombstones. Otherwise nothing is found
// and nothing kept, and the database decides.
type TokenCache struct {
	local    ports.TokenCache
	channel  *tombstoneChannel
	bypassed atomic.Uint64
}

// NewTokenCache uses local while Redis tells what ends. A goroutine listens until
// c is closed.
func NewTokenCache(c *Connection, local ports.TokenCache) *TokenCache {
	return newTokenCache(c, local, usualChannelTiming)
}

func newTokenCache(c *Connection, local ports.TokenCache, timing channelTiming) *TokenCache {
	return &TokenCache{local: local, channel: openTombstoneChannel(c, local, timing)}
}

// Find implements ports.TokenCache.
func (t *TokenCache) Find(digest secret.Digest) (*token.AccessToken, ports.CacheMark) {
	if !t.channel.trusted() {
		t.bypassed.Add(1)
		return nil, ports.CacheMark{}
	}
	return t.local.Find(digest)
}

// Fill implements ports.TokenCache. What happened on the channel since the mark
// has invalidated the local cache, so the mark is refused there.
func (t *TokenCache) Fill(mark ports.CacheMark, of *token.AccessToken) { t.local.Fill(mark, of) }

// Invalidate implements ports.TokenCache.
func (t *TokenCache) Invalidate(ctx context.Context, digests ...secret.Digest) error {
	_ = t.local.Invalidate(ctx, digests...) // has no error of its own
	return t.channel.announce(ctx, announcement{digests: digests})
}

// InvalidateAll implements ports.TokenCache.
func (t *TokenCache) InvalidateAll(ctx context.Context) error {
	_ = t.local.InvalidateAll(ctx)
	return t.channel.announce(ctx, announcement{all: true})
}

// Trusted reports whether the local cache is used, and how often it was not.
func (t *TokenCache) Trusted() (now bool, bypassed uint64) {
	return t.channel.trusted(), t.bypassed.Load()
}

// announceAtMost bounds the tombstones of one announcement; more digests, or more
// that could not be announced yet, are taken for all tokens.
const announceAtMost = 512

// announcement is what other replicas have to forget.
type announcement struct {
	digests []secret.Digest
	all     bool
}

func (a announcement) isZero() bool { return !a.all && len(a.digests) == 0 }

// with joins two announcements.
func (a announcement) with(b announcement) announcement {
	if a.all || b.all || len(a.digests)+len(b.digests) > announceAtMost {
		return announcement{all: true}
	}
	return announcement{digests: append(append([]secret.Digest(nil), a.digests...), b.digests...)}
}

// channelTiming is how the channel of tombstones is watched.
type channelTiming struct {
	probe  time.Duration // between writes that have to come back
	lease  time.Duration // that a write which came back is worth, from when it was sent
	settle time.Duration // that a new channel is watched before it is trusted
	answer time.Duration // that the end of a token waits for Redis
}

// While a replica listens, it trusts what it keeps for at most a lease after
// Redis, or the way to it, has stopped. After an outage the others get the time
// to come back and to announce what they could not.
var usualChannelTiming = channelTiming{probe: 200 * time.Millisecond, lease: time.Second, settle: time.Second, answer: opTimeout}
