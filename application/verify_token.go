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
func (uc *VerifyToken) Execute(ctx context.Context, presented token.Secret, by audit.Request) (out Verified, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		out.Token, err = r.TokenByDigest(ctx, presented.Digest())
		return err
	})
	if errors.Is(err, token.ErrUnknown) {
		return Verified{}, token.ErrInvalid
	}
	if err != nil {
		return Verified{}, fmt.Errorf("find token: %w", err)
	}
	id := out.Token.Snapshot().ID
	news, err := out.Token.Use(uc.now())
	if err != nil {
		return Verified{}, errors.Join(err, uc.bury(ctx, id, by))
	}
	if news {
		if err := uc.noteUse(ctx, presented); err != nil {
			return Verified{}, err
		}
	}
	if uc.limits.PerToken.Max == 0 {
		return out, nil
	}
	out.Allowance, err = counted(uc.limiter.Take(ctx, uc.limits.PerToken, id.String()))
	return out, err
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
