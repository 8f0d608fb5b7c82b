package redis

import (
	"time"

	"github.com/devicegate/devicegate/ports"
)

// NewSwiftTokenCache is [NewTokenCache] with a channel that is trusted soon, and
// that waits longer for an answer: a busy machine is no outage.
func NewSwiftTokenCache(c *Connection, local ports.TokenCache) *TokenCache {
	return newTokenCache(c, local, channelTiming{probe: 5 * time.Millisecond, lease: time.Second, settle: 20 * time.Millisecond, answer: 10 * time.Second})
}

// Settle returns when the writes that p has gathered are sent.
func (p *PollThrottle) Settle() { p.later.settle() }
