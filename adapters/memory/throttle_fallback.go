package memory

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// ThrottleFallback is a [ports.PollThrottle] that keeps the polling interval in
// this process while the shared throttle cannot: a device that polls too early
// is told to slow down in an outage, too.
type ThrottleFallback struct {
	shared ports.PollThrottle
	own    *PollThrottle
}

// NewThrottleFallback makes one for shared.
func NewThrottleFallback(shared ports.PollThrottle, now ports.Clock) *ThrottleFallback {
	return &ThrottleFallback{shared, NewPollThrottle(now)}
}

// CheckPending implements [ports.PollThrottle].
func (f *ThrottleFallback) CheckPending(ctx context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error) {
	if pending, due, err = f.shared.CheckPending(ctx, code, poller, gap); err == nil {
		return pending, due, nil
	}
	return f.own.CheckPending(ctx, code, poller, gap)
}

// CachePending implements [ports.PollThrottle].
func (f *ThrottleFallback) CachePending(ctx context.Context, code secret.Digest, hint ports.PendingHint) error {
	if err := f.shared.CachePending(ctx, code, hint); err == nil {
		return nil
	}
	return f.own.CachePending(ctx, code, hint)
}

// Release implements [ports.PollThrottle].
func (f *ThrottleFallback) Release(ctx context.Context, code secret.Digest) error {
	_ = f.shared.Release(ctx, code)
	return f.own.Release(ctx, code)
}

// Invalidate implements [ports.PollThrottle]. It forgets in both: a hint of an
// earlier outage must not answer in the next one.
func (f *ThrottleFallback) Invalidate(ctx context.Context, code secret.Digest) error {
	_ = f.shared.Invalidate(ctx, code)
	return f.own.Invalidate(ctx, code)
}
