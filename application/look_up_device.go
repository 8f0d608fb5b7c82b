package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// LookUpDevice tells a page whether a typed code is one that waits.
type LookUpDevice struct {
	codes   *UserCodes
	clients ports.Clients
	now     ports.Clock
}

// NewLookUpDevice makes the use case.
func NewLookUpDevice(codes *UserCodes, clients ports.Clients, now ports.Clock) *LookUpDevice {
	return &LookUpDevice{codes, clients, now}
}

// LookedUp is what a page may know of a code. Unknown, expired and used codes
// look alike: all fields are zero.
type LookedUp struct {
	Valid     bool
	UserCode  device.UserCode
	Remaining time.Duration
	ClientID  string
	// Bound says that the device named the person that is to approve, so that the
	// identity provider can be chosen. The address is for that person alone.
	Bound     bool
	Allowance quota.Allowance
}

// Execute returns [quota.ErrExceeded], which is [ErrSignInFirst] where a sign-in
// helps, and [client.ErrSuspended] or [client.ErrNoDeviceGrant] for a code that
// cannot be used because of its client; a code that is not valid is no error.
// One code counts once in a window however it is spelt, and finding one does
// not give the tries back.
func (uc *LookUpDevice) Execute(ctx context.Context, typed string, origin request.Origin) (LookedUp, error) {
	found, own, shared, err := uc.codes.find(ctx, typed, origin, ports.LimiterStep{
		Call: ports.TakeDistinct, Limit: quota.LookUpDevice, Key: quota.ByAddress(origin.IP), Thing: device.NormalizeUserCode(typed),
	})
	out := LookedUp{Allowance: own}
	switch {
	case errors.Is(err, device.ErrInvalidUserCode):
		return out, nil
	case shared.Exceeded:
		out.Allowance = shared
		return out, err
	case err != nil:
		return out, err
	}
	a := found.Snapshot()
	if err := uc.checkClient(ctx, a.ClientID); err != nil {
		return out, err
	}
	out.Valid, out.UserCode, out.ClientID = true, a.UserCode, a.ClientID
	out.Bound = !a.LoginHint.IsZero()
	out.Remaining = a.ExpiresAt.Sub(uc.now())
	return out, nil
}

// checkClient refuses a client that gets no tokens here. One that is not known
// passes: this process may be the last to hear of it.
func (uc *LookUpDevice) checkClient(ctx context.Context, id string) error {
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return fmt.Errorf("list clients: %w", err)
	}
	if of, err := clients.Find(id); err == nil {
		return of.CheckUsable()
	}
	return nil
}
