package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/ports"
)

// StartDevice begins a device authorization for a client (RFC 8628 §3.1).
type StartDevice struct {
	store   ports.Store
	limiter ports.Limiter
	clients ports.Clients
	timing  device.Timing
	now     ports.Clock
}

// NewStartDevice makes the use case.
func NewStartDevice(store ports.Store, limiter ports.Limiter, clients ports.Clients, timing device.Timing, now ports.Clock) *StartDevice {
	return &StartDevice{store, limiter, clients, timing, now}
}

// Start is what a client asks for.
type Start struct {
	ClientID string
	Label    string // empty: that of the client
	Scope    string // empty: all that the client may have
	Origin   request.Origin
}

// Started is what a client begins with. The code is its secret.
type Started struct {
	Code      device.Code
	UserCode  device.UserCode
	ExpiresIn time.Duration
	Interval  time.Duration
	Allowance quota.Allowance
}

// userCodeTries is how often a user code that is in use is replaced: with 39
// bits even two in a row are a defect, not bad luck.
const userCodeTries = 3

// Execute returns [quota.ErrExceeded], [client.ErrUnsupported],
// [client.ErrSuspended], [client.ErrNoDeviceGrant] or [scope.ErrInvalid]. The allowance is there in any case.
func (uc *StartDevice) Execute(ctx context.Context, in Start) (Started, error) {
	allowance, err := allow(uc.limiter.Take(ctx, quota.StartDevice, quota.ByAddress(in.Origin.IP)))
	out := Started{Allowance: allowance, ExpiresIn: uc.timing.TTL, Interval: uc.timing.Interval}
	if err != nil {
		return out, err
	}
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return out, fmt.Errorf("list clients: %w", err)
	}
	by, err := clients.Usable(in.ClientID)
	if err != nil {
		return out, err
	}
	requested, err := scope.Parse(in.Scope)
	if err != nil {
		return out, err
	}
	scopes, err := by.Grant(requested)
	if err != nil {
		return out, err
	}
	label := device.ParseLabel(in.Label, by)
	for range userCodeTries {
		a, code, started := device.Start(by, label, scopes, uc.timing, uc.now(), in.Origin)
		err = uc.store.AddAuthorization(ctx, a, started)
		if err == nil {
			out.Code, out.UserCode = code, a.Snapshot().UserCode
			return out, nil
		}
		if !errors.Is(err, ports.ErrUserCodeTaken) {
			break
		}
	}
	return out, fmt.Errorf("start device authorization: %w", err)
}
