package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// ErrSignInFirst is [quota.ErrExceeded] where too many wrong user codes were tried
// by others: a person who signs in first can still type the code ([EnterCode]).
var ErrSignInFirst = quota.ErrExceeded.OnPage("sign_in_first")

// allow turns a limiter's answer into a refusal. If the limiter cannot count,
// the request passes.
func allow(a quota.Allowance, err error) (quota.Allowance, error) {
	if err != nil {
		return quota.Allowance{}, nil
	}
	return a, a.Check()
}

// byPerson is the key under which a person's tries are counted.
func byPerson(subject identity.Subject) string {
	return subject.Issuer() + " " + subject.Email().String()
}

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

// find returns the pending authorization that has the typed code, and
// [device.ErrInvalidUserCode] for every other code.
//
// A wrong code counts once for each network, however often it is sent, and one
// network can use up its share of the common budget only. When the share or the
// budget is used up, find returns [quota.ErrExceeded] with the allowance for
// right codes too: otherwise the refusal would tell which guess was right.
func (u *UserCodes) find(ctx context.Context, typed string, origin request.Origin) (*device.Authorization, quota.Allowance, error) {
	network := quota.ByNetwork(origin.IP)
	if left, err := allow(u.limiter.Peek(ctx, u.limits.WrongUserCodesPerNetwork, network)); err != nil {
		return nil, left, err
	}
	if left, err := allow(u.limiter.Peek(ctx, u.limits.WrongUserCodes, allAddresses)); err != nil {
		return nil, left, err
	}
	var found *device.Authorization
	code, err := device.ParseUserCode(typed)
	if err == nil {
		err = u.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			found, err = r.Authorizations().ByUserCode(ctx, code)
			return err
		})
	}
	switch {
	case err == nil && found.CheckPending(u.now()) == nil:
		return found, quota.Allowance{}, nil
	case err == nil, errors.Is(err, device.ErrUnknown), errors.Is(err, device.ErrInvalidUserCode):
		u.countWrong(ctx, network, device.NormalizeUserCode(typed))
		return nil, quota.Allowance{}, device.ErrInvalidUserCode
	}
	return nil, quota.Allowance{}, fmt.Errorf("find user code: %w", err)
}

func (u *UserCodes) countWrong(ctx context.Context, network, guess string) {
	if _, err := allow(u.limiter.TakeDistinct(ctx, u.limits.WrongUserCodesPerNetwork, network, guess)); err == nil {
		_, _ = u.limiter.TakeDistinct(ctx, u.limits.WrongUserCodes, allAddresses, network+" "+guess)
	}
}
