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
	decided *expiring[secret.Digest, struct{}]            // takes no late hints
}

// NewPollThrottle makes an empty one.
func NewPollThrottle(now ports.Clock) *PollThrottle {
	return &PollThrottle{
		now:     now,
		waiting: newExpiring[secret.Digest, map[string]struct{}](capacity),
		polled:  newExpiring[secret.Digest, struct{}](capacity),
		decided: newExpiring[secret.Digest, struct{}](capacity),
	}
}

// CheckPending implements [ports.PollThrottle].
func (p *PollThrottle) CheckPending(_ context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if waiting, ok := p.waiting.get(code, now); ok {
		_, pending = waiting.value[poller]
	}
	if _, early := p.polled.get(code, now); early {
		return pending, false, nil
	}
	p.polled.put(code, struct{}{}, now.Add(gap), now)
	return pending, true, nil
}

// CachePending implements [ports.PollThrottle].
func (p *PollThrottle) CachePending(_ context.Context, code secret.Digest, hint ports.PendingHint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if _, decided := p.decided.get(code, now); decided || hint.TTL <= 0 {
		return nil
	}
	waiting, ok := p.waiting.get(code, now)
	if !ok {
		p.waiting.put(code, map[string]struct{}{hint.Poller: {}}, now.Add(hint.TTL), now)
		return nil
	}
	if len(waiting.value) < pollersPerCode { // the first hint's expiry stays
		waiting.value[hint.Poller] = struct{}{}
	}
	return nil
}

// Release implements [ports.PollThrottle].
func (p *PollThrottle) Release(_ context.Context, code secret.Digest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polled.drop(code)
	return nil
}

// Invalidate implements [ports.PollThrottle].
func (p *PollThrottle) Invalidate(_ context.Context, code secret.Digest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.waiting.drop(code)
	p.decided.put(code, struct{}{}, now.Add(ports.HintInTransit), now)
	return nil
}
