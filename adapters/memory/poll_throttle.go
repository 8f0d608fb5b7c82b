package memory

import (
	"context"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// pollersPerCode bounds the addresses from which one device may ask; it has one,
// or a few behind a network that changes them.
const pollersPerCode = 16

// PollThrottle is [ports.PollThrottle] in this process.
type PollThrottle struct {
	now ports.Clock

	mu      sync.Mutex
	waiting *expiring[secret.Digest, map[string]struct{}] // by whom a code was asked for
	polled  *expiring[secret.Digest, struct{}]            // until the next poll is due
}

// NewPollThrottle makes an empty one.
func NewPollThrottle(now ports.Clock) *PollThrottle {
	return &PollThrottle{
		now:     now,
		waiting: newExpiring[secret.Digest, map[string]struct{}](capacity),
		polled:  newExpiring[secret.Digest, struct{}](capacity),
	}
}

// CheckPending keeps [ports.PollThrottle].
func (p *PollThrottle) CheckPending(_ context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	waiting, ok := p.waiting.get(code, now)
	if !ok {
		return false, false, nil
	}
	if _, ok := waiting.value[poller]; !ok {
		return false, false, nil
	}
	return true, p.claim(code, gap, now), nil
}

// Allow keeps [ports.PollThrottle].
func (p *PollThrottle) Allow(_ context.Context, code secret.Digest, gap time.Duration, hint ports.PendingHint) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	due := p.claim(code, gap, now)
	if due && hint.TTL > 0 {
		p.keep(code, hint, now)
	}
	return due, nil
}

func (p *PollThrottle) claim(code secret.Digest, gap time.Duration, now time.Time) bool {
	if _, early := p.polled.get(code, now); early {
		return false
	}
	p.polled.put(code, struct{}{}, now.Add(gap), now)
	return true
}

func (p *PollThrottle) keep(code secret.Digest, hint ports.PendingHint, now time.Time) {
	waiting, ok := p.waiting.get(code, now)
	if !ok {
		p.waiting.put(code, map[string]struct{}{hint.Poller: {}}, now.Add(hint.TTL), now)
		return
	}
	if len(waiting.value) < pollersPerCode { // the first hint's expiry stays
		waiting.value[hint.Poller] = struct{}{}
	}
}

// Invalidate keeps [ports.PollThrottle].
func (p *PollThrottle) Invalidate(_ context.Context, code secret.Digest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting.drop(code)
	return nil
}
