package memory

import (
	"context"

	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// Fallback is a [ports.Limiter] that counts in this process while another one
// cannot count: an outage there must not allow guesses without bounds.
type Fallback struct {
	first ports.Limiter
	own   *Limiter
}

// NewFallback makes one that counts while first cannot.
func NewFallback(first ports.Limiter, now ports.Clock) *Fallback {
	return &Fallback{first, NewLimiter(now)}
}

// Take implements [ports.Limiter].
func (f *Fallback) Take(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	if a, err := f.first.Take(ctx, limit, key); err == nil {
		return a, nil
	}
	return f.own.Take(ctx, limit, key)
}

// TakeDistinct implements [ports.Limiter].
func (f *Fallback) TakeDistinct(ctx context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error) {
	if a, err := f.first.TakeDistinct(ctx, limit, key, thing); err == nil {
		return a, nil
	}
	return f.own.TakeDistinct(ctx, limit, key, thing)
}

// Peek implements [ports.Limiter].
func (f *Fallback) Peek(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error) {
	if a, err := f.first.Peek(ctx, limit, key); err == nil {
		return a, nil
	}
	return f.own.Peek(ctx, limit, key)
}

// Batch implements [ports.Limiter].
func (f *Fallback) Batch(ctx context.Context, steps ...ports.LimiterStep) ([]quota.Allowance, error) {
	if all, err := f.first.Batch(ctx, steps...); err == nil {
		return all, nil
	}
	return f.own.Batch(ctx, steps...)
}
