package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/quota"
)

// Limiter counts tries in windows that begin with the first one. Counts may be
// lost at any time. An error means that nothing was counted; callers go on.
type Limiter interface {
	// Take counts one try by key. A try beyond the limit is Exceeded.
	Take(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error)

	// TakeDistinct counts one try by key, but a thing tried before in the same
	// window only once; such a repetition is never Exceeded.
	TakeDistinct(ctx context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error)

	// Peek tells what is left without counting; Exceeded says that nothing is.
	Peek(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error)

	// Batch performs steps in their order, all of them whatever the others'
	// allowances are, and returns an allowance for each. It is one round trip
	// where the counts are kept in another process. After an error some of the
	// steps may have been counted.
	Batch(ctx context.Context, steps ...LimiterStep) ([]quota.Allowance, error)
}

// LimiterStep is one call of a [Limiter], for [Limiter.Batch].
type LimiterStep struct {
	Call  LimiterCall
	Limit quota.Limit
	Key   string
	Thing string // of [TakeDistinct] only
}

// LimiterCall names a method of [Limiter].
type LimiterCall int

// The calls.
const (
	Take LimiterCall = iota
	TakeDistinct
	Peek
)

// On performs the step alone.
func (s LimiterStep) On(ctx context.Context, l Limiter) (quota.Allowance, error) {
	switch s.Call {
	case TakeDistinct:
		return l.TakeDistinct(ctx, s.Limit, s.Key, s.Thing)
	case Peek:
		return l.Peek(ctx, s.Limit, s.Key)
	}
	return l.Take(ctx, s.Limit, s.Key)
}
