package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// accountsTimeout bounds the look-up of an account: a person is waiting for a
// page meanwhile.
const accountsTimeout = 5 * time.Second

// hasAccount reports whether the subject's e-mail address belongs to an account
// of the platform. It returns [fault.ErrUnavailable] if that cannot be found out
// in time.
func hasAccount(ctx context.Context, accounts ports.Accounts, subject identity.Subject) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, accountsTimeout)
	defer cancel()
	has, err := accounts.Has(limited, subject.Email())
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%w (%w)", fault.ErrUnavailable, err)
	}
	if err != nil {
		return false, fmt.Errorf("look for an account: %w", err)
	}
	return has, nil
}
