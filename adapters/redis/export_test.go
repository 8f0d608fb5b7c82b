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

// Together has start begin so many calls of the limiter while others are under
// way, so that they are sent together.
func (l *Limiter) Together(calls int, start func()) { l.steps.batcher.Together(calls, start) }

// Together is the same for [PollThrottle.CheckPending].
func (p *PollThrottle) Together(calls int, start func()) { p.checks.batcher.Together(calls, start) }
