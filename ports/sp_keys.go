package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// SPKeyReader finds the key pairs of the SAML service provider. Private keys are
// sealed where they are kept.
type SPKeyReader interface {
	// Ring returns [spkeys.ErrNone] if there are no pairs, and an error if the
	// secret that sealed them is not known. stale says that they are sealed with the
	// previous secret, and should be sealed anew.
	Ring(ctx context.Context) (ring *spkeys.Ring, stale bool, err error)
}

// SPKeys keeps them. Its writes announce [TopicKeys].
type SPKeys interface {
	SPKeyReader

	// Add returns [spkeys.ErrExist], and keeps no event then, if there are pairs.
	Add(ctx context.Context, r *spkeys.Ring, event audit.Event) error
	// Save keeps every pair, sealed anew. It returns [spkeys.ErrNone].
	Save(ctx context.Context, r *spkeys.Ring, event audit.Event) error
}
