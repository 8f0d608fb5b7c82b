package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// EndOwnDevices lets a person who has just signed in at this browser lock
// devices of theirs out.
type EndOwnDevices struct {
	store ports.Store
	csrf  approval.CSRFKeys
	now   ports.Clock
}

// NewEndOwnDevices makes the use case.
func NewEndOwnDevices(store ports.Store, csrf approval.CSRFKeys, now ports.Clock) *EndOwnDevices {
	return &EndOwnDevices{store, csrf, now}
}

// Execute ends the session called id, or all if that is zero, and reports how
// many ended by it. It returns [approval.ErrInvalidSession], [approval.ErrCSRF],
// and [fault.ErrNotFound] for another person's session.
func (uc *EndOwnDevices) Execute(ctx context.Context, proof approval.Proof, id uid.ID, origin request.Origin) (ended int, err error) {
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		grants, err := tx.Grants().BySession(ctx, proof.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Authenticate(proof.CSRF, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		tokens, err := uc.selectTokens(ctx, tx, grant, id)
		if err != nil {
			return err
		}
		ended = 0
		for _, t := range tokens {
			revoked, changed := t.Revoke("by_owner", uc.now(), origin)
			if !changed {
				continue
			}
			if err := tx.Tokens().Save(ctx, t, revoked); err != nil {
				return fmt.Errorf("save token: %w", err)
			}
			ended++
		}
		return nil
	})
	return ended, err
}

func (uc *EndOwnDevices) selectTokens(ctx context.Context, tx ports.Tx, grant *approval.Grant, id uid.ID) ([]*token.AccessToken, error) {
	subject := grant.Snapshot().Subject
	if id.IsZero() {
		tokens, _, err := tx.Tokens().Sessions(ctx, subject.Email(), subject.Issuer(), uc.now(), 0, endAtOnce)
		return tokens, err
	}
	t, err := tx.Tokens().ByID(ctx, id)
	if errors.Is(err, token.ErrUnknown) {
		return nil, fault.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find token: %w", err)
	}
	if !t.BelongsTo(subject.Email(), subject.Issuer()) {
		return nil, fault.ErrNotFound
	}
	return []*token.AccessToken{t}, nil
}

// endAtOnce bounds one transaction; nobody has more devices.
const endAtOnce = 10_000
