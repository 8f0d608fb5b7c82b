package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// BeginVisit prepares the sign-in of a person who wants to see their devices.
type BeginVisit struct {
	store   ports.Store
	limiter ports.Limiter
	timing  device.Timing
	now     ports.Clock
}

// NewBeginVisit makes the use case.
func NewBeginVisit(store ports.Store, limiter ports.Limiter, timing device.Timing, now ports.Clock) *BeginVisit {
	return &BeginVisit{store, limiter, timing, now}
}

// Execute returns the code by which [InitiateSSO] finds the visit, or
// [quota.ErrExceeded] with the allowance.
func (uc *BeginVisit) Execute(ctx context.Context, by audit.Request) (device.UserCode, quota.Allowance, error) {
	allowance, err := counted(uc.limiter.Take(ctx, quota.BeginVisit, quota.ByAddress(by.IP)))
	if err != nil {
		return device.UserCode{}, allowance, err
	}
	for range userCodeTries {
		visit, begun := device.Visit(uc.timing, uc.now(), by)
		err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			return tx.AddAuthorization(ctx, visit, begun)
		})
		if err == nil {
			return visit.Snapshot().UserCode, allowance, nil
		}
		if !errors.Is(err, ports.ErrUserCodeTaken) {
			break
		}
	}
	return device.UserCode{}, allowance, fmt.Errorf("begin visit: %w", err)
}
