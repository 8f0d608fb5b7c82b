package memory

import (
	"context"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// waitersPerCode bounds the addresses from which one device may ask; it has one,
// or a few behind a network that changes them.
const pollersPerCode = 16

// Pace is [ports.Pace] in this process.
type PollThrottle struct {
	now ports.Clock

	mu      sync.Mutex
	waiting *expiring[secret.Digest, map[string]struct{}] // by whom a code was asked for
	polled  *expiring[secret.Digest, struct{}]            // until the next poll is due
}

// NewPace makes an empty one.
func NewPollThrottle(now ports.Clock) *PollThrottle {
	return &PollThrottle{
		now:     now,
		waiting: newExpiring[secret.Digest, map[string]struct{}](capacity),
		polled:  newExpiring[secret.Digest, struct{}](capacity),
	}
}

// Ask keeps [ports.Pace].
func (p *PollThrottle) CheckPending(_ context.Context, code secret.Digest, who string, gap time.Duration) (pending, due bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	waiting, ok := p.waiting.get(code, now)
	if !ok {
		return false, false, nil
	}
	if _, ok := waiting.value[who]; !ok {
		return false, false, nil
	}
	return true, p.claim(code, gap, now), nil
}

// Claim keeps [ports.Pace].
func (p *PollThrottle) Allow(_ context.Context, code secret.Digest, gap time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claim(code, gap, p.now()), nil
}

func (p *PollThrottle) claim(code secret.Digest, gap time.Duration, now time.Time) bool {
	if _, early := p.polled.get(code, now); early {
		return false
	}
	p.polled.put(code, struct{}{}, now.Add(gap), now)
	return true
}

// Remember keeps [ports.Pace].
func (p *PollThrottle) CachePending(_ context.Context, code secret.Digest, who string, life time.Duration) error {
	if life <= 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	waiting, ok := p.waiting.get(code, now)
	if !ok {
		p.waiting.put(code, map[string]struct{}{who: {}}, now.Add(life), now)
		return nil
	}
	// The first one's end stays: nobody's hint outlives what he was promised.
	if len(waiting.value) < pollersPerCode {
		waiting.value[who] = struct{}{}
	}
	return nil
}

// Wake keeps [ports.Pace].
func (p *PollThrottle) Invalidate(_ context.Context, code secret.Digest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting.drop(code)
	return nil
}
