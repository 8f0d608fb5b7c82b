package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// RevokeToken ends the token that a client presents (RFC 7009). The token itself
// proves the right to end it.
type RevokeToken struct {
	store ports.Store
	ours  token.RequireChecksum
	now   ports.Clock
}

// NewRevokeToken makes the use case.
func NewRevokeToken(store ports.Store, ours token.RequireChecksum, now ports.Clock) *RevokeToken {
	return &RevokeToken{store, ours, now}
}

// Execute ends the token. It counts against no limit, so that a token that is
// used too much can be ended. An unknown or dead token is no error. It returns
// [token.ErrOtherClient] if clientID is not empty and names another client than
// the token's.
func (uc *RevokeToken) Execute(ctx context.Context, presented token.Secret, clientID string, origin request.Origin) error {
	if uc.ours.Check(presented) != nil {
		return nil
	}
	// Unknown tokens cost a look-up and no lock: anyone can send them.
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		_, err := r.Tokens().ByDigest(ctx, presented.Digest())
		return err
	})
	if errors.Is(err, token.ErrUnknown) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		t, err := tx.Tokens().ByDigest(ctx, presented.Digest())
		if errors.Is(err, token.ErrUnknown) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if err := t.CheckClient(clientID); err != nil {
			return err
		}
		ended, changed := t.Expire(uc.now(), origin)
		if !changed {
			ended, changed = t.Revoke("by_client", audit.ClientOf(t.Snapshot().Device.ClientID), uc.now(), origin)
		}
		if !changed {
			return nil
		}
		return tx.Tokens().Save(ctx, t, ended)
	})
}
