package application

import (
	"context"
	"errors"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// LookUpDevice tells a page whether a typed code is one that waits.
type LookUpDevice struct {
	codes   *UserCodes
	limiter ports.Limiter
	now     ports.Clock
}

// NewLookUpDevice makes the use case.
func NewLookUpDevice(codes *UserCodes, limiter ports.Limiter, now ports.Clock) *LookUpDevice {
	return &LookUpDevice{codes, limiter, now}
}

// LookedUp is what a page may know of a code. Unknown, expired and used codes
// look alike: all fields are zero.
type LookedUp struct {
	Valid     bool
	UserCode  device.UserCode
	Remaining time.Duration
	ClientID  string
	Allowance quota.Allowance
}

// Execute returns [quota.ErrExceeded], which is [ErrSignInFirst] where a sign-in
// helps; a code that is not valid is no error.
// One code counts once in a window however it is spelt, and finding one does
// not give the tries back.
func (uc *LookUpDevice) Execute(ctx context.Context, typed string, origin request.Origin) (LookedUp, error) {
	allowance, err := allow(uc.limiter.TakeDistinct(ctx, quota.LookUpDevice, quota.ByAddress(origin.IP), device.NormalizeUserCode(typed)))
	out := LookedUp{Allowance: allowance}
	if err != nil {
		return out, err
	}
	found, shared, err := uc.codes.find(ctx, typed, origin)
	switch {
	case errors.Is(err, device.ErrInvalidUserCode):
		return out, nil
	case errors.Is(err, quota.ErrExceeded):
		out.Allowance = shared
		return out, ErrSignInFirst
	case err != nil:
		return out, err
	}
	a := found.Snapshot()
	out.Valid, out.UserCode, out.ClientID = true, a.UserCode, a.ClientID
	out.Remaining = a.ExpiresAt.Sub(uc.now())
	return out, nil
}
