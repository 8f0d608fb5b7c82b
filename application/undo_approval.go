package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// UndoApproval lets the person who has just approved a device say that it was
// not theirs.
type UndoApproval struct {
	store ports.Store
	pace  ports.PollThrottle
	csrf  approval.CSRFKeys
	now   ports.Clock
}

// NewUndoApproval makes the use case.
func NewUndoApproval(store ports.Store, pace ports.PollThrottle, csrf approval.CSRFKeys, now ports.Clock) *UndoApproval {
	return &UndoApproval{store, pace, csrf, now}
}

// Execute turns the device that shows code away or, if it has its token, revokes
// that. It returns [approval.ErrInvalidSession],
// [approval.ErrCSRF], [approval.ErrUserCodeMismatch] and [device.ErrNotPending].
func (uc *UndoApproval) Execute(ctx context.Context, proof approval.Proof, code device.UserCode, origin request.Origin) error {
	var waits secret.Digest
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		grants, err := tx.Grants().BySession(ctx, proof.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.FindUndoable(proof.CSRF, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		if grant.Snapshot().UserCode != code {
			return approval.ErrUserCodeMismatch
		}
		a, err := tx.Authorizations().ByID(ctx, grant.Snapshot().Authorization)
		if errors.Is(err, device.ErrUnknown) {
			return device.ErrGone
		}
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		undone, err := a.Undo(grant.Snapshot().Subject, uc.now(), origin)
		if err != nil {
			return err
		}
		waits = a.Snapshot().Code
		if err := tx.Authorizations().Save(ctx, a, undone); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		return uc.revoke(ctx, tx, a, origin)
	})
	if err == nil {
		_ = uc.pace.Invalidate(ctx, waits) // a hint; the device finds out without it
	}
	return err
}

// revoke ends the token, if the device has it.
func (uc *UndoApproval) revoke(ctx context.Context, tx ports.Tx, a *device.Authorization, origin request.Origin) error {
	if !a.IsRedeemed() {
		return nil
	}
	t, err := tx.Tokens().ByID(ctx, a.Snapshot().TokenID)
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	if revoked, changed := t.Revoke("undone", uc.now(), origin); changed {
		return tx.Tokens().Save(ctx, t, revoked)
	}
	return nil
}
