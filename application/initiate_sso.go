package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// InitiateSSO sends a browser to an identity provider, for one device.
type InitiateSSO struct {
	store       ports.Store
	codes       *UserCodes
	limiter     ports.Limiter
	brokers     ports.Brokers
	connections ports.Connections
	now         ports.Clock
}

// NewInitiateSSO makes the use case.
func NewInitiateSSO(store ports.Store, codes *UserCodes, limiter ports.Limiter, brokers ports.Brokers, connections ports.Connections, now ports.Clock) *InitiateSSO {
	return &InitiateSSO{store, codes, limiter, brokers, connections, now}
}

// Initiate is what a browser asks for.
type Initiate struct {
	UserCode     string // as typed
	Connection   string // slug; empty: LoginHint, else the only one
	LoginHint    string // an e-mail address
	ForceAuthn   bool   // ask the person again, even if the identity provider knows them
	Mount        connection.Mount
	Browser      approval.BrowserBinding // zero: not seen before
	GrantSession approval.GrantSession   // zero: nothing granted before
	Origin       request.Origin
}

// Initiated says where the browser goes and by what it is known.
type Initiated struct {
	Redirect  ports.Redirect
	Browser   approval.BrowserBinding
	Allowance quota.Allowance
}

// Execute begins a trip. It drops what this browser was granted for the same
// code before. It returns [quota.ErrExceeded], [device.ErrInvalidUserCode],
// [connection.ErrUnknown], [connection.ErrChoose] if the person has to say,
// and the refusals of [ports.Broker].
func (uc *InitiateSSO) Execute(ctx context.Context, in Initiate) (Initiated, error) {
	allowance, err := allow(uc.limiter.Take(ctx, quota.InitiateSSO, quota.ByAddress(in.Origin.IP)))
	out := Initiated{Allowance: allowance}
	if err != nil {
		return out, err
	}
	a, world, err := uc.codes.find(ctx, in.UserCode, in.Origin)
	if err != nil {
		if !world.IsZero() {
			out.Allowance = world
		}
		return out, err
	}
	connections, err := uc.connections.Connections(ctx)
	if err != nil {
		return out, fmt.Errorf("list connections: %w", err)
	}
	via, err := connections.Choose(in.Connection, in.LoginHint)
	if err != nil {
		return out, err
	}
	broker, served := uc.brokers[via.Settings().Broker]
	if !served {
		return out, fmt.Errorf("connection %s: no %s broker: %w", via.Slug(), via.Settings().Broker, ports.ErrInitiateFailed)
	}

	out.Browser = in.Browser.OrNew()
	transaction, signIn, started, err := approval.Begin(a, via, in.Mount, out.Browser, uc.now(), in.Origin)
	if err != nil {
		return out, err
	}
	signIn.ForceAuthn = in.ForceAuthn
	if hint, err := identity.ParseEmail(in.LoginHint); err == nil && via.MayAssert(hint) {
		signIn.LoginHint = hint
	}
	if out.Redirect, err = broker.Begin(ctx, via, signIn); err != nil {
		return out, fmt.Errorf("begin sign-in through %s: %w", via.Slug(), err)
	}
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if !in.GrantSession.IsZero() {
			if err := tx.Grants().Drop(ctx, in.GrantSession.Digest(), a.Snapshot().UserCode, started); err != nil {
				return fmt.Errorf("drop earlier grant: %w", err)
			}
		}
		return tx.Transactions().Add(ctx, transaction, started)
	})
	return out, err
}
