package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// EndToken ends one token for an administrator.
type EndToken struct {
	store ports.Store
	now   ports.Clock
}

// NewEndToken makes the use case.
func NewEndToken(store ports.Store, now ports.Clock) *EndToken { return &EndToken{store, now} }

// ErrTokenOfAccount refuses to end a token that another issuer made.
var ErrTokenOfAccount = fault.New(fault.Conflict, "token_of_account",
	"This token belongs to an account of the Dify API that shares the database. End it there: that API keeps answers about it.")

// Execute ends the token called id and reports whether it was live. It returns
// [ErrNoSuchToken] and [ErrTokenOfAccount].
func (uc *EndToken) Execute(ctx context.Context, id uid.ID, by audit.Actor, origin request.Origin) (changed bool, err error) {
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		t, err := findToken(ctx, tx.Tokens(), id)
		if err != nil {
			return err
		}
		if t.SubjectType() == identity.Account {
			return ErrTokenOfAccount
		}
		event, expired := t.Expire(uc.now(), origin)
		if !expired {
			if event, changed = t.Revoke("by_admin", by, uc.now(), origin); !changed {
				return nil
			}
		}
		if err := tx.Tokens().Save(ctx, t, event); err != nil {
			return fmt.Errorf("save token: %w", err)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	return changed, nil
}
