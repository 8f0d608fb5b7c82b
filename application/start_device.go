package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/ports"
)

// StartDevice begins a device authorization for a client (RFC 8628 §3.1).
type StartDevice struct {
	store       ports.Store
	limiter     ports.Limiter
	clients     ports.Clients
	policies    ports.Policies
	connections ports.Connections
	limits      quota.Configured
	watch       *PhishingWatch
	timing      device.Timing
	now         ports.Clock
}

// NewStartDevice makes the use case.
func NewStartDevice(store ports.Store, limiter ports.Limiter, clients ports.Clients, policies ports.Policies, connections ports.Connections, limits quota.Configured, watch *PhishingWatch, timing device.Timing, now ports.Clock) *StartDevice {
	return &StartDevice{store, limiter, clients, policies, connections, limits, watch, timing, now}
}

// Start is what a client asks for.
type Start struct {
	ClientID string
	Label    string // empty: that of the client
	Scope    string // empty: all that the client may have
	// LoginHint is the e-mail address of the only person that may approve; empty:
	// any may.
	LoginHint string
	Origin    request.Origin
}

// Started is what a client begins with. The code is its secret.
type Started struct {
	Code      device.Code
	UserCode  device.UserCode
	ExpiresIn time.Duration
	Interval  time.Duration
	// LinkCarriesCode says that a link to the page may carry the user code.
	LinkCarriesCode bool
	Allowance       quota.Allowance
}

// The refusals of a login hint.
var (
	errLoginHint = fault.InvalidRequest("login_hint has to be one e-mail address, like ada@example.com.")
	errNoDomain  = fault.InvalidRequest("No identity provider here speaks for the domain of login_hint. Check the address, or ask your administrator.")
)

// userCodeTries is how often a user code that is in use is replaced: with 39
// bits even two in a row are a defect, not bad luck.
const userCodeTries = 3

// Execute returns [quota.ErrExceeded], [client.ErrUnsupported],
// [client.ErrSuspended], [client.ErrNoDeviceGrant], [scope.ErrInvalid], what
// [policy.Limits.CheckStart] says, or an invalid request for a login hint that
// cannot be right. The allowance is there in any case.
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
	hint, limits, err := uc.checkPolicy(ctx, by, in)
	if err != nil {
		return out, err
	}
	label, timing := device.ParseLabel(in.Label, by), uc.timing
	timing.TTL = policy.Life(timing.TTL, limits.CodeTTL)
	out.ExpiresIn, out.LinkCarriesCode = timing.TTL, limits.LinkCarriesCode
	for range userCodeTries {
		a, code, started := device.Start(by, label, scopes, timing, uc.now(), in.Origin)
		a.BindTo(hint)
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
	steps := make([]ports.LimiterStep, 1, 2)
	steps[0] = ports.LimiterStep{Call: ports.Take, Limit: quota.StartDevice, Key: quota.ByAddress(origin.IP)}
	if network := incident.NetworkOf(origin.CertainAddress()); network.IsValid() && uc.limits.StartsOfNetwork.Max > 0 {
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

// checkPolicy reads the login hint and checks what policy asks of a start. A hint
// that no connection may assert is refused only where hints are required: else it
// would tell strangers the domains of this installation.
func (uc *StartDevice) checkPolicy(ctx context.Context, by client.Client, in Start) (hint identity.Email, limits policy.Limits, err error) {
	if in.LoginHint != "" {
		if hint, err = identity.ParseEmail(in.LoginHint); err != nil {
			return hint, limits, errLoginHint
		}
	}
	rules, err := uc.policies.Policy(ctx)
	if err != nil {
		return hint, limits, fmt.Errorf("read policy: %w", err)
	}
	limits = rules.Limits(by.ID(), "")
	if err := limits.CheckStart(in.Origin.CertainAddress(), !hint.IsZero()); err != nil || !limits.RequireLoginHint {
		return hint, limits, err
	}
	all, err := uc.connections.Connections(ctx)
	if err != nil {
		return hint, limits, fmt.Errorf("list connections: %w", err)
	}
	speaks := func(c connection.Connection) bool { return by.MayConnect(c.Slug()) && c.MayAssert(hint) }
	if !slices.ContainsFunc(all.All(), speaks) {
		return hint, limits, errNoDomain
	}
	return hint, limits, nil
}
