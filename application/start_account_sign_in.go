package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// BeginVisit prepares the sign-in of a person who wants to see their devices.
type StartAccountSignIn struct {
	store   ports.Store
	limiter ports.Limiter
	timing  device.Timing
	now     ports.Clock
}

// NewBeginVisit makes the use case.
func NewStartAccountSignIn(store ports.Store, limiter ports.Limiter, timing device.Timing, now ports.Clock) *StartAccountSignIn {
	return &StartAccountSignIn{store, limiter, timing, now}
}

// Execute returns the code by which [InitiateSSO] finds the visit, or
// [quota.ErrExceeded] with the allowance.
func (uc *StartAccountSignIn) Execute(ctx context.Context, origin request.Origin) (device.UserCode, quota.Allowance, error) {
	allowance, err := allow(uc.limiter.Take(ctx, quota.StartAccountSignIn, quota.ByAddress(origin.IP)))
	if err != nil {
		return device.UserCode{}, allowance, err
	}
	for range userCodeTries {
		visit, begun := device.Visit(uc.timing, uc.now(), origin)
		err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
			return tx.Authorizations().Add(ctx, visit, begun)
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
