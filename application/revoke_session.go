package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// RevokeSession ends one of a person's own sessions.
type RevokeSession struct {
	store ports.Store
	now   ports.Clock
}

// NewRevokeSession makes the use case.
func NewRevokeSession(store ports.Store, now ports.Clock) *RevokeSession {
	return &RevokeSession{store, now}
}

// Execute ends the session if it is one of whoever issuer calls by email. An
// ended one stays ended and is no error; another person's, or none, is
// [fault.ErrNotFound].
func (uc *RevokeSession) Execute(ctx context.Context, id uid.ID, email identity.Email, issuer string, origin request.Origin) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		t, err := tx.Tokens().ByID(ctx, id)
		if errors.Is(err, token.ErrUnknown) {
			return fault.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if !t.BelongsTo(email, issuer) {
			return fault.ErrNotFound
		}
		if revoked, changed := t.Revoke("by_owner", uc.now(), origin); changed {
			return tx.Tokens().Save(ctx, t, revoked)
		}
		return nil
	})
}
