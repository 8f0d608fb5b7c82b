package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
)

// PollThrottle keeps when a device was last answered, and that it was told to
// wait. All of it may be lost at any time: a lost mark lets one poll through
// early, a lost hint costs one read of the Store.
//
// An error means that nothing is known; callers go on without.
type PollThrottle interface {
	// CheckPending is the hot path, one round trip. If a hint says that poller
	// waits on code, pending is true, and due says whether this poll comes at
	// least gap after the last accepted one; if so it is now the last accepted
	// one. Without a hint, CheckPending leaves nothing behind.
	CheckPending(ctx context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error)

	// Allow makes this poll the last accepted one and returns true, unless one
	// was accepted less than gap ago: then it changes nothing and returns
	// false. Of any number at once exactly one is accepted. An accepted poll's
	// hint is kept in the same round trip. A second hint for the same code
	// keeps the first one's expiry.
	Allow(ctx context.Context, code secret.Digest, gap time.Duration, hint PendingHint) (due bool, err error)

	// Invalidate forgets the hints about code, of every poller.
	Invalidate(ctx context.Context, code secret.Digest) error
}

// PendingHint says that a poller (client and address) waits. One without a TTL
// is not kept.
type PendingHint struct {
	Poller string
	TTL    time.Duration
}
