package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

// UndoApproval lets the person who has just approved a device say that it was
// not theirs.
type UndoApproval struct {
	store    ports.Store
	throttle ports.PollThrottle
	csrf     approval.CSRFKeys
	watch    *PhishingWatch
	now      ports.Clock
}

// NewUndoApproval makes the use case.
func NewUndoApproval(store ports.Store, throttle ports.PollThrottle, csrf approval.CSRFKeys, watch *PhishingWatch, now ports.Clock) *UndoApproval {
	return &UndoApproval{store, throttle, csrf, watch, now}
}

// Execute turns away the device that was approved with the decision that
// presented belongs to or, if the device has its token, revokes that. Doing so
// again changes nothing and is no error. It returns [approval.ErrInvalidSession]
// when the five minutes are over, [device.ErrGone] and [device.ErrNotPending].
func (uc *UndoApproval) Execute(ctx context.Context, presented approval.UndoToken, origin request.Origin) error {
	var code secret.Digest
	var observed []watched
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		found, err := findUndoable(ctx, tx.Grants(), tx.Authorizations(), presented, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		a, undo := found.authorization, found.proof
		code = a.Snapshot().Code
		undone, changed, err := a.Undo(undo, origin)
		if err != nil || !changed {
			return err
		}
		if err := tx.Authorizations().Save(ctx, a, undone); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		if err := uc.revoke(ctx, tx, a, undo, origin); err != nil {
			return err
		}
		observed, err = uc.watch.keepPerson(ctx, tx, incident.Reported, a.Snapshot(), undo.Subject(), browserOf(found.grant), undone)
		return err
	})
	if err == nil {
		uc.watch.assess(ctx, observed...)
		_ = uc.throttle.Invalidate(ctx, code) // a hint; the device finds out without it
	}
	return err
}

// undoable is a decision that can still be taken back.
type undoable struct {
	grant         *approval.Grant
	proof         approval.Undo
	authorization *device.Authorization
}

// findUndoable returns [approval.ErrInvalidSession] and [device.ErrGone].
func findUndoable(ctx context.Context, grants ports.GrantReader, authorizations ports.AuthorizationReader, presented approval.UndoToken, csrf approval.CSRFKeys, at time.Time) (found undoable, err error) {
	found.grant, err = grants.ByID(ctx, presented.Grant())
	if errors.Is(err, ports.ErrUnknownGrant) {
		return found, approval.ErrInvalidSession
	}
	if err != nil {
		return found, fmt.Errorf("find grant: %w", err)
	}
	if found.proof, err = found.grant.Undoable(presented, csrf, at); err != nil {
		return found, err
	}
	found.authorization, err = findAuthorization(ctx, authorizations, found.proof.Authorization())
	return found, err
}

// revoke ends the token, if the device has it.
func (uc *UndoApproval) revoke(ctx context.Context, tx ports.Tx, a *device.Authorization, undo approval.Undo, origin request.Origin) error {
	if !a.IsRedeemed() {
		return nil
	}
	t, err := tx.Tokens().ByID(ctx, a.Snapshot().TokenID)
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	revoked, changed := t.Revoke("undone", audit.PersonOf(undo.Subject()), undo.At(), origin)
	if !changed {
		return nil
	}
	revoked.AuthorizationID = a.Snapshot().ID
	return tx.Tokens().Save(ctx, t, revoked)
}
