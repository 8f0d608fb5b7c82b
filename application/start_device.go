package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
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
	limits  quota.Configured
	watch   *PhishingWatch
	timing  device.Timing
	now     ports.Clock
}

// NewStartDevice makes the use case.
func NewStartDevice(store ports.Store, limiter ports.Limiter, clients ports.Clients, limits quota.Configured, watch *PhishingWatch, timing device.Timing, now ports.Clock) *StartDevice {
	return &StartDevice{store, limiter, clients, limits, watch, timing, now}
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
	allowance, burst, err := uc.take(ctx, in.Origin)
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
			if burst {
				uc.watch.noteBurst(ctx, a.Snapshot(), in.Origin)
			}
			return out, nil
		}
		if !errors.Is(err, ports.ErrUserCodeTaken) {
			break
		}
	}
	return out, fmt.Errorf("start device authorization: %w", err)
}

// take counts a start, by address and by network. It reports a burst once in a
// window.
func (uc *StartDevice) take(ctx context.Context, origin request.Origin) (own quota.Allowance, burst bool, err error) {
	steps := []ports.LimiterStep{{Call: ports.Take, Limit: quota.StartDevice, Key: quota.ByAddress(origin.IP)}}
	if network := incident.NetworkOf(origin.IP); network.IsValid() && uc.limits.StartsOfNetwork.Max > 0 && !origin.BehindUnknownProxy {
		steps = append(steps, ports.LimiterStep{Call: ports.Take, Limit: uc.limits.StartsOfNetwork, Key: network.String()})
	}
	counted, err := uc.limiter.Batch(ctx, steps...)
	if err != nil {
		return own, false, nil // the limiter cannot count: the request passes
	}
	if len(counted) > 1 {
		burst = counted[1].Remaining == 0 && !counted[1].Exceeded
	}
	return counted[0], burst, counted[0].Check()
}
