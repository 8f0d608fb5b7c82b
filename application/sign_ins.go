package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// SignIns sends browsers to identity providers, for whatever purpose.
type SignIns struct {
	store       ports.Store
	brokers     ports.Brokers
	connections ports.Connections
	failures    *SignInFailures
	now         ports.Clock
}

// NewSignIns makes the part that [InitiateSSO] and [StartAccountSignIn] share.
func NewSignIns(store ports.Store, brokers ports.Brokers, connections ports.Connections, failures *SignInFailures, now ports.Clock) *SignIns {
	return &SignIns{store, brokers, connections, failures, now}
}

// Initiate is what a browser asks for.
type Initiate struct {
	UserCode     string // as typed; of no meaning to [StartAccountSignIn]
	Connection   string // slug; empty: LoginHint, else the only one
	LoginHint    string // an e-mail address
	ForceAuthn   bool   // the identity provider asks for credentials despite a session
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

// beginning begins a transaction of some purpose.
type beginning func(how approval.Beginning) (*approval.Transaction, approval.SignInRequest, audit.Event, error)

// send begins a transaction and returns where the browser goes. Earlier grants of
// the browser for replaced are dropped. It returns [connection.ErrUnknown],
// [connection.ErrChoose] and the refusals of [ports.Broker].
func (s *SignIns) send(ctx context.Context, in Initiate, replaced device.UserCode, begin beginning) (out Initiated, err error) {
	connections, err := s.connections.Connections(ctx)
	if err != nil {
		return out, fmt.Errorf("list connections: %w", err)
	}
	via, err := connections.Choose(in.Connection, in.LoginHint)
	if err != nil {
		return out, err
	}
	broker, served := s.brokers[via.Settings().Broker]
	if !served {
		return out, fmt.Errorf("connection %s: no %s broker: %w", via.Slug(), via.Settings().Broker, ports.ErrInitiateFailed)
	}
	out.Browser = in.Browser.OrNew()
	transaction, signIn, started, err := begin(approval.Beginning{Via: via, Mount: in.Mount, Browser: out.Browser})
	if err != nil {
		return out, err
	}
	signIn.ForceAuthn = in.ForceAuthn
	if hint, err := identity.ParseEmail(in.LoginHint); err == nil && via.MayAssert(hint) {
		signIn.LoginHint = hint
	}
	if out.Redirect, err = broker.Begin(ctx, via, signIn); err != nil {
		err = fmt.Errorf("begin sign-in through %s: %w", via.Slug(), err)
		return out, s.failures.recordWithoutTransaction(ctx, via.Slug(), err, in.Mount, in.Origin)
	}
	err = s.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if !in.GrantSession.IsZero() && !replaced.IsZero() {
			if err := tx.Grants().Drop(ctx, in.GrantSession.Digest(), replaced, started); err != nil {
				return fmt.Errorf("drop earlier grant: %w", err)
			}
		}
		return tx.Transactions().Add(ctx, transaction, started)
	})
	return out, err
}
