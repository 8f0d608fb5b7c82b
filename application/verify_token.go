package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// VerifyToken finds the subject that a bearer token acts for (RFC 6750).
type VerifyToken struct {
	store   ports.Store
	cache   ports.TokenCache
	ours    token.RequireChecksum
	limiter ports.Limiter
	limits  quota.Configured
	now     ports.Clock
	misses  misses
}

// NewVerifyToken makes the use case.
func NewVerifyToken(store ports.Store, cache ports.TokenCache, ours token.RequireChecksum, limiter ports.Limiter, limits quota.Configured, now ports.Clock) *VerifyToken {
	return &VerifyToken{store: store, cache: cache, ours: ours, limiter: limiter, limits: limits, now: now}
}

// Verified is a valid token, and what is left of its rate limit.
type Verified struct {
	Token     *token.AccessToken
	Allowance quota.Allowance
}

// Execute returns [token.ErrInvalid] and [quota.ErrExceeded]. The first use of
// a token is on record before Execute returns, so that no replacement secret is
// given out afterwards. A later use that the store cannot record is allowed.
func (uc *VerifyToken) Execute(ctx context.Context, presented token.Secret, origin request.Origin) (Verified, error) {
	t, err := uc.Authenticate(ctx, presented, origin)
	if err != nil || uc.limits.PerToken.Max == 0 {
		return Verified{Token: t}, err
	}
	allowance, err := allow(uc.limiter.Take(ctx, uc.limits.PerToken, t.ID().String()))
	return Verified{t, allowance}, err
}

// Authenticate verifies the token without counting it against its rate limit,
// so that a rate-limited client can still revoke itself.
func (uc *VerifyToken) Authenticate(ctx context.Context, presented token.Secret, origin request.Origin) (*token.AccessToken, error) {
	if err := uc.ours.Check(presented); err != nil {
		return nil, err
	}
	digest := presented.Digest()
	t, mark := uc.cache.Find(digest)
	if t == nil && !mark.IsZero() {
		read, first := uc.misses.join(digest)
		if first {
			defer uc.misses.end(digest, read)
		} else {
			read.wait(ctx)
			t, mark = uc.cache.Find(digest)
		}
	}
	cached := t != nil
	if !cached {
		var err error
		if t, err = uc.read(ctx, digest); err != nil {
			return nil, err
		}
	}
	first, changed, err := t.RecordUse(uc.now(), origin)
	if err != nil {
		return nil, errors.Join(err, uc.recordExpiry(ctx, t.ID(), origin))
	}
	if changed {
		recorded, err := uc.recordUse(ctx, digest, origin)
		if later := first.ID.IsZero(); later && errors.Is(err, fault.ErrUnavailable) {
			return t, nil // a full disk stops no reading: only the first use decides something
		}
		if err != nil {
			return nil, err
		}
		t = recorded
	}
	if changed || !cached {
		uc.cache.Fill(mark, t)
	}
	return t, nil
}

// read returns [token.ErrInvalid] for an unknown token.
func (uc *VerifyToken) read(ctx context.Context, digest secret.Digest) (t *token.AccessToken, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		t, err = r.Tokens().ByDigest(ctx, digest)
		return err
	})
	if errors.Is(err, token.ErrUnknown) {
		return nil, token.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("find token: %w", err)
	}
	return t, nil
}

// recordUse looks again, under lock: the token may have died meanwhile.
func (uc *VerifyToken) recordUse(ctx context.Context, digest secret.Digest, origin request.Origin) (t *token.AccessToken, err error) {
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
		t, err = tx.Tokens().ByDigest(ctx, digest)
		if errors.Is(err, token.ErrUnknown) {
			return token.ErrInvalid
		}
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		first, changed, err := t.RecordUse(uc.now(), origin)
		switch {
		case err != nil || !changed:
			return err
		case first.ID.IsZero():
			return tx.Tokens().SaveUse(ctx, t)
		}
		return tx.Tokens().Save(ctx, t, first)
	})
	return t, err
}

// recordExpiry records that a token's time is up, once.
func (uc *VerifyToken) recordExpiry(ctx context.Context, id uid.ID, origin request.Origin) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		t, err := tx.Tokens().ByID(ctx, id)
		if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if expired, changed := t.Expire(uc.now(), origin); changed {
			return tx.Tokens().Save(ctx, t, expired)
		}
		return nil
	})
}
