package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/secret"
)

// Pace remembers when a device was last answered, and that it was told to wait.
// All of it may be lost at any time: a lost mark lets one poll through early, a
// lost hint costs one look into the Store.
//
// An error means that nothing is known; callers go on without.
type PollThrottle interface {
	// Ask is the hot path, one round trip. If Remember was told lately that who
	// waits on code, pending is true, and due says whether this poll comes at
	// least gap after the last accepted one; if so it is now the last accepted
	// one. If nothing is remembered, Ask leaves nothing behind.
	CheckPending(ctx context.Context, code secret.Digest, who string, gap time.Duration) (pending, due bool, err error)

	// Claim makes this poll the last accepted one and returns true, unless one
	// was accepted less than gap ago: then it changes nothing and returns
	// false. Of any number at once exactly one is accepted.
	Allow(ctx context.Context, code secret.Digest, gap time.Duration) (due bool, err error)

	// Remember keeps for the given time that who (client and address) waits.
	CachePending(ctx context.Context, code secret.Digest, who string, life time.Duration) error

	// Wake forgets what was remembered about code, for everybody.
	Invalidate(ctx context.Context, code secret.Digest) error
}
