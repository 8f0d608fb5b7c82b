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
	// CheckPending is the hot path, one round trip. Pending says whether a hint
	// says that poller waits on code. Due says whether this poll comes at least
	// gap after the last accepted one; if so it is now the last accepted one. Of
	// any number at once exactly one is due.
	CheckPending(ctx context.Context, code secret.Digest, poller string, gap time.Duration) (pending, due bool, err error)

	// CachePending keeps a hint about code, which may take effect a moment later.
	// A second hint for the same code keeps the first one's expiry. A hint that
	// was under way when the code was invalidated is not kept.
	CachePending(ctx context.Context, code secret.Digest, hint PendingHint) error

	// Release takes back that a poll was accepted: it was refused for a reason of
	// its own, such as an unknown code. It may take effect a moment later.
	Release(ctx context.Context, code secret.Digest) error

	// Invalidate forgets the hints about code, of every poller.
	Invalidate(ctx context.Context, code secret.Digest) error
}

// PendingHint says that a poller (client and address) waits. One without a TTL
// is not kept.
type PendingHint struct {
	Poller string
	TTL    time.Duration
}

// HintInTransit is how long at most a hint is under way from the read that it
// comes from: an invalidated code takes no hints for this time.
const HintInTransit = 15 * time.Second
