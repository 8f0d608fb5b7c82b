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

// UserCodes finds the authorization that has a user code, and counts wrong codes.
type UserCodes struct {
	store   ports.Store
	limiter ports.Limiter
	limits  quota.Configured
	now     ports.Clock
}

// NewUserCodes makes the part that [LookUpDevice] and [InitiateSSO] share.
func NewUserCodes(store ports.Store, limiter ports.Limiter, limits quota.Configured, now ports.Clock) *UserCodes {
	return &UserCodes{store, limiter, limits, now}
}

// allAddresses is the key under which all addresses are counted together.
const allAddresses = "all"

// find counts attempt, the caller's own limit, and returns the pending
// authorization that has the typed code, or [device.ErrInvalidUserCode] for
// every other code. It returns [quota.ErrExceeded] if attempt was one too many:
// own is then exceeded.
//
// A wrong code counts once for each network, however often it is sent, and one
// network can use up its share of the common budget only. When the share or the
// budget is used up, find returns [ErrSignInFirst] for right codes too, because
// the refusal would tell otherwise which guess was right: shared is then exceeded.
func (u *UserCodes) find(ctx context.Context, typed string, origin request.Origin, attempt ports.LimiterStep) (found *device.Authorization, own, shared quota.Allowance, err error) {
	network := quota.ByNetwork(origin.IP)
	allowances, err := u.limiter.Batch(ctx, attempt,
		ports.LimiterStep{Call: ports.Peek, Limit: u.limits.WrongUserCodesPerNetwork, Key: network},
		ports.LimiterStep{Call: ports.Peek, Limit: u.limits.WrongUserCodes, Key: allAddresses})
	if err == nil { // else the limiter cannot count, and the request passes
		own = allowances[0]
		if err := own.Check(); err != nil {
			return nil, own, shared, err
		}
		for _, shared := range allowances[1:] {
			if shared.Exceeded {
				return nil, own, shared, ErrSignInFirst
			}
		}
	}
	code, err := device.ParseUserCode(typed)
	if err == nil {
		err = u.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			found, err = r.Authorizations().ByUserCode(ctx, code)
			return err
		})
	}
	switch {
	case err == nil && found.CheckPending(u.now()) == nil:
		return found, own, shared, nil
	case err == nil, errors.Is(err, device.ErrUnknown), errors.Is(err, device.ErrInvalidUserCode):
		u.countWrong(ctx, network, device.NormalizeUserCode(typed))
		return nil, own, shared, device.ErrInvalidUserCode
	}
	return nil, own, shared, fmt.Errorf("find user code: %w", err)
}

func (u *UserCodes) countWrong(ctx context.Context, network, guess string) {
	if _, err := allow(u.limiter.TakeDistinct(ctx, u.limits.WrongUserCodesPerNetwork, network, guess)); err == nil {
		_, _ = u.limiter.TakeDistinct(ctx, u.limits.WrongUserCodes, allAddresses, network+" "+guess)
	}
}
