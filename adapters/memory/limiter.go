package memory

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// Limiter is [ports.Limiter] in this process.
type Limiter struct {
	now ports.Clock

	mu      sync.Mutex
	windows *expiring[bucket, *window]
	shared  *expiring[bucket, *window] // kept apart, so that other windows cannot displace them
}

type bucket struct{ limit, key string }

// window counts the tries since the first one. Things that users typed can be
// long, so only their digests are kept, and never more than the limit.
type window struct {
	count  int
	things map[[sha256.Size]byte]struct{}
}

// NewLimiter makes one that has counted nothing.
func NewLimiter(now ports.Clock) *Limiter {
	return &Limiter{now: now, windows: newExpiring[bucket, *window](capacity), shared: newExpiring[bucket, *window](capacity)}
}

// Take implements [ports.Limiter].
func (l *Limiter) Take(_ context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	if limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ends := l.window(limit, key)
	exceeded := w.count >= limit.Max
	if !exceeded {
		w.count++
	}
	return l.allowance(limit, w.count, ends, exceeded), nil
}

// TakeDistinct implements [ports.Limiter].
func (l *Limiter) TakeDistinct(_ context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error) {
	if limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	digest := sha256.Sum256([]byte(thing))
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ends := l.window(limit, key)
	_, repeated := w.things[digest]
	exceeded := !repeated && w.count >= limit.Max
	if !repeated && !exceeded {
		if w.things == nil {
			w.things = map[[sha256.Size]byte]struct{}{}
		}
		w.things[digest] = struct{}{}
		w.count++
	}
	return l.allowance(limit, w.count, ends, exceeded), nil
}

// Peek implements [ports.Limiter].
func (l *Limiter) Peek(_ context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	if limit.Max <= 0 {
		return quota.Allowance{}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	found, ok := l.kept(limit).get(bucket{limit.Name, key}, now)
	if !ok {
		return quota.Allowance{Limit: limit, Remaining: limit.Max, Reset: limit.Per}, nil
	}
	return l.allowance(limit, found.value.count, found.until, found.value.count >= limit.Max), nil
}

// Batch implements [ports.Limiter].
func (l *Limiter) Batch(ctx context.Context, steps ...ports.LimiterStep) ([]quota.Allowance, error) {
	allowances := make([]quota.Allowance, len(steps))
	for i, step := range steps {
		allowances[i], _ = step.On(ctx, l) // counting in memory does not fail
	}
	return allowances, nil
}

func (l *Limiter) kept(limit quota.Limit) *expiring[bucket, *window] {
	if limit.Shared {
		return l.shared
	}
	return l.windows
}

// window finds the running window or begins one.
func (l *Limiter) window(limit quota.Limit, key string) (*window, time.Time) {
	now := l.now()
	b := bucket{limit.Name, key}
	if found, ok := l.kept(limit).get(b, now); ok {
		return found.value, found.until
	}
	w, ends := &window{}, now.Add(limit.Per)
	l.kept(limit).put(b, w, ends, now)
	return w, ends
}

func (l *Limiter) allowance(limit quota.Limit, count int, ends time.Time, exceeded bool) quota.Allowance {
	return quota.Allowance{
		Limit:     limit,
		Remaining: max(limit.Max-count, 0),
		Reset:     ends.Sub(l.now()),
		Exceeded:  exceeded,
	}
}
