package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/spkeys"
)

// KeyStore knows the key pairs of the SAML service provider. They can change
// while the service runs.
type KeyStore interface {
	// Keys returns all pairs in one state that does not change. It is asked anew
	// at each use. It returns [spkeys.ErrNone] if there is no active pair.
	Keys(ctx context.Context) (spkeys.Set, error)
}
