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

// counted turns a limiter's answer into a refusal. A limiter that cannot count
// lets everybody pass.
func allow(a quota.Allowance, err error) (quota.Allowance, error) {
	if err != nil {
		return quota.Allowance{}, nil
	}
	return a, a.Check()
}

// UserCodes finds the device that shows a code, and counts the guesses of the
// whole world.
type UserCodes struct {
	store   ports.Store
	limiter ports.Limiter
	limits  quota.Configured
	now     ports.Clock
}

// NewUserCodes makes the part that use cases share.
func NewUserCodes(store ports.Store, limiter ports.Limiter, limits quota.Configured, now ports.Clock) *UserCodes {
	return &UserCodes{store, limiter, limits, now}
}

// everywhere is the key under which all addresses are counted together.
const allAddresses = "all"

// find returns the pending authorization that shows the typed code. A wrong one
// counts once for each address, however often it is sent: nobody can use up the
// world's guesses beyond what their own limit lets through. It returns
// [device.ErrInvalidUserCode] for every other code, and [quota.ErrExceeded]
// with the allowance when the world has guessed too often: right codes too,
// else the refusal itself would tell which guess was right.
func (u *UserCodes) find(ctx context.Context, typed string, origin request.Origin) (*device.Authorization, quota.Allowance, error) {
	if left, err := allow(u.limiter.Peek(ctx, u.limits.WrongUserCodes, allAddresses)); err != nil {
		return nil, left, err
	}
	var found *device.Authorization
	code, err := device.ParseUserCode(typed)
	if err == nil {
		err = u.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			found, err = r.AuthorizationByUserCode(ctx, code)
			return err
		})
	}
	switch {
	case err == nil && found.CheckPending(u.now()) == nil:
		return found, quota.Allowance{}, nil
	case err == nil, errors.Is(err, device.ErrUnknown), errors.Is(err, device.ErrInvalidUserCode):
		guess := quota.ByAddress(origin.IP) + " " + device.NormalizeUserCode(typed)
		_, _ = u.limiter.TakeDistinct(ctx, u.limits.WrongUserCodes, allAddresses, guess)
		return nil, quota.Allowance{}, device.ErrInvalidUserCode
	}
	return nil, quota.Allowance{}, fmt.Errorf("find user code: %w", err)
}
