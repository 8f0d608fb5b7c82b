package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// RevokeUndelivered ends a token whose answer is known not to have arrived. The
// client may still ask once more within the window of
// [device.Authorization.Repeat].
type RevokeUndelivered struct {
	store ports.Store
	now   ports.Clock
}

// NewRevokeUndelivered makes the use case.
func NewRevokeUndelivered(store ports.Store, now ports.Clock) *RevokeUndelivered {
	return &RevokeUndelivered{store, now}
}

// Execute withdraws what was handed out for an authorization, if lost is still
// its secret: a repetition may have got another. A token that was used meanwhile
// did arrive, and lives on.
func (uc *RevokeUndelivered) Execute(ctx context.Context, authorization uid.ID, lost token.Secret, origin request.Origin) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		a, err := tx.Authorizations().ByID(ctx, authorization)
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		t, err := tx.Tokens().ByID(ctx, a.Snapshot().TokenID)
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if !lost.Digest().Equal(t.Snapshot().Digest) {
			return nil
		}
		if err := a.MarkUndelivered(t); err != nil {
			return err
		}
		revoked, changed := t.Revoke("not_delivered", audit.WorkerOf("delivery"), uc.now(), origin)
		if !changed {
			return nil
		}
		revoked.AuthorizationID = authorization
		if err := tx.Tokens().Save(ctx, t, revoked); err != nil {
			return fmt.Errorf("save token: %w", err)
		}
		return tx.Authorizations().Save(ctx, a, revoked)
	})
}
