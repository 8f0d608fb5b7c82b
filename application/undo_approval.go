package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// UndoApproval lets the person who has just approved a device say that it was
// not theirs.
type UndoApproval struct {
	store ports.Store
	pace  ports.Pace
	csrf  approval.CSRFKeys
	now   ports.Clock
}

// NewUndoApproval makes the use case.
func NewUndoApproval(store ports.Store, pace ports.Pace, csrf approval.CSRFKeys, now ports.Clock) *UndoApproval {
	return &UndoApproval{store, pace, csrf, now}
}

// Execute turns the device that shows code away or, if it has its token, revokes
// that. It returns [approval.ErrInvalidSession],
// [approval.ErrCSRF], [approval.ErrUserCodeMismatch] and [device.ErrNotPending].
func (uc *UndoApproval) Execute(ctx context.Context, proof approval.Proof, code device.UserCode, by audit.Request) error {
	var waits secret.Digest
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		grants, err := tx.Grants(ctx, proof.Handle.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Regret(proof.CSRF, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		if grant.Snapshot().UserCode != code {
			return approval.ErrUserCodeMismatch
		}
		a, err := tx.Authorization(ctx, grant.Snapshot().Authorization)
		if errors.Is(err, device.ErrUnknown) {
			return device.ErrGone
		}
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		undone, err := a.Undo(grant.Snapshot().Subject, uc.now(), by)
		if err != nil {
			return err
		}
		waits = a.Snapshot().Code
		if err := tx.SaveAuthorization(ctx, a, undone); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		return uc.revoke(ctx, tx, a, by)
	})
	if err == nil {
		_ = uc.pace.Wake(ctx, waits) // a hint; the device finds out without it
	}
	return err
}

// revoke ends the token, if the device has it.
func (uc *UndoApproval) revoke(ctx context.Context, tx ports.Tx, a *device.Authorization, by audit.Request) error {
	if !a.IsRedeemed() {
		return nil
	}
	t, err := tx.Token(ctx, a.Snapshot().TokenID)
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	if revoked, news := t.Revoke("undone", uc.now(), by); news {
		return tx.SaveToken(ctx, t, revoked)
	}
	return nil
}
