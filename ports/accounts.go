package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/identity"
)

// Accounts knows which e-mail addresses belong to an account of the platform.
type Accounts interface {
	// Has reports whether an account has this address, in any case. It returns
	// when ctx ends at the latest.
	Has(ctx context.Context, email identity.Email) (bool, error)
}
