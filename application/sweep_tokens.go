package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// SweepTokens ends the tokens that expired without a request that would have
// noticed it, deletes those that ended long ago, and then the authorizations that
// were redeemed for them.
type SweepTokens struct {
	store     ports.Store
	retention token.Retention
	now       ports.Clock
	batches   batches
}

// NewSweepTokens makes the use case.
func NewSweepTokens(store ports.Store, retention token.Retention, now ports.Clock) *SweepTokens {
	return &SweepTokens{store, retention, now, usualBatches}
}

// Execute returns how many rows it changed or deleted. It may be interrupted at
// any time and run beside itself. What is left goes with the next run.
func (uc *SweepTokens) Execute(ctx context.Context) (total int, err error) {
	now := uc.now()
	s := newSweep(uc.store, uc.batches, ports.SweepTokens, now)
	n, err := s.found(ctx, "expired tokens", func(ctx context.Context, r ports.Reader, limit int) ([]uid.ID, error) {
		return r.Tokens().Overdue(ctx, now, limit)
	}, uc.expire)
	total += n
	if err != nil {
		return total, err
	}
	n, err = s.found(ctx, "ended tokens", func(ctx context.Context, r ports.Reader, limit int) ([]uid.ID, error) {
		return r.Tokens().Ended(ctx, uc.retention.EndedBefore(now), limit)
	}, func(ctx context.Context, tx ports.Tx, ids []uid.ID) (int, error) {
		n, err := tx.Tokens().Delete(ctx, ids)
		if err != nil {
			return n, err
		}
		with, err := tx.Authorizations().DeleteRedeemedFor(ctx, ids, device.DeletableBefore(now))
		return n + with, err
	})
	total += n
	if err != nil {
		return total, err
	}
	// Those of tokens that another issuer deleted, or that were locked.
	n, err = s.found(ctx, "redeemed authorizations", func(ctx context.Context, r ports.Reader, limit int) ([]uid.ID, error) {
		return r.Authorizations().RedeemedWithoutToken(ctx, device.DeletableBefore(now), limit)
	}, func(ctx context.Context, tx ports.Tx, ids []uid.ID) (int, error) {
		return tx.Authorizations().Delete(ctx, ids)
	})
	return total + n, err
}

func (uc *SweepTokens) expire(ctx context.Context, tx ports.Tx, ids []uid.ID) (ended int, err error) {
	tokens, err := tx.Tokens().Lock(ctx, ids)
	if err != nil {
		return 0, fmt.Errorf("find tokens: %w", err)
	}
	for _, t := range tokens {
		if expired, changed := t.Expire(uc.now(), request.Origin{}); changed {
			if err := tx.Tokens().Save(ctx, t, expired); err != nil {
				return ended, fmt.Errorf("save token: %w", err)
			}
			ended++
		}
	}
	return ended, nil
}
