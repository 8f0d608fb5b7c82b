package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// VerifyToken finds out whom a bearer token acts for (RFC 6750).
type VerifyToken struct {
	store   ports.Store
	limiter ports.Limiter
	limits  quota.Configured
	now     ports.Clock
}

// NewVerifyToken makes the use case.
func NewVerifyToken(store ports.Store, limiter ports.Limiter, limits quota.Configured, now ports.Clock) *VerifyToken {
	return &VerifyToken{store, limiter, limits, now}
}

// Verified is a token that opens doors, and how often it still may.
type Verified struct {
	Token     *token.AccessToken
	Allowance quota.Allowance
}

// Execute returns [token.ErrInvalid] and [quota.ErrExceeded]. The first use of
// a token is on record before Execute returns, so that nobody is given another
// secret for it afterwards.
func (uc *VerifyToken) Execute(ctx context.Context, presented token.Secret, by audit.Request) (Verified, error) {
	t, err := uc.ExecuteUncounted(ctx, presented, by)
	if err != nil || uc.limits.PerToken.Max == 0 {
		return Verified{Token: t}, err
	}
	allowance, err := counted(uc.limiter.Take(ctx, uc.limits.PerToken, t.Snapshot().ID.String()))
	return Verified{t, allowance}, err
}

// ExecuteUncounted is Execute for who wants to end a session: a token that is
// used too much is the first that should go.
func (uc *VerifyToken) ExecuteUncounted(ctx context.Context, presented token.Secret, by audit.Request) (*token.AccessToken, error) {
	var t *token.AccessToken
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		t, err = r.TokenByDigest(ctx, presented.Digest())
		return err
	})
	if errors.Is(err, token.ErrUnknown) {
		return nil, token.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("find token: %w", err)
	}
	news, err := t.Use(uc.now())
	if err != nil {
		return nil, errors.Join(err, uc.bury(ctx, t.Snapshot().ID, by))
	}
	if news {
		if err := uc.noteUse(ctx, presented); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// noteUse looks again, under lock: the token may have died meanwhile.
func (uc *VerifyToken) noteUse(ctx context.Context, presented token.Secret) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		t, err := tx.TokenByDigest(ctx, presented.Digest())
		if errors.Is(err, token.ErrUnknown) {
			return token.ErrInvalid
		}
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if news, err := t.Use(uc.now()); err != nil || !news {
			return err
		}
		return tx.NoteUse(ctx, t)
	})
}

// bury records that a token's time is up, once.
func (uc *VerifyToken) bury(ctx context.Context, id uid.ID, by audit.Request) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		t, err := tx.Token(ctx, id)
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if expired, news := t.Expire(uc.now(), by); news {
			return tx.SaveToken(ctx, t, expired)
		}
		return nil
	})
}
