package application

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
)

// hangingAccounts answers when its caller gives up.
type hangingAccounts struct{}

func (hangingAccounts) Has(ctx context.Context, _ identity.Email) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

// F11: every wait has an end.
func TestTheLookUpOfAnAccountHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := time.Now()
		_, err := hasAccount(t.Context(), hangingAccounts{}, identity.Subject{})
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("got %v, want temporarily_unavailable", err)
		}
		if waited := time.Since(before); waited != accountsTimeout { // synctest's clock, not the machine's
			t.Errorf("gave up after: got %v, want %v", waited, accountsTimeout)
		}
	})
}

func TestACancelledAccountLookUpIsNotAnOutage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hasAccount(ctx, hangingAccounts{}, identity.Subject{}); !errors.Is(err, context.Canceled) || errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("got %v, want context canceled", err)
	}
}
