package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
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
	clients     ports.Clients
	mounts      *ACSMounts
	failures    *SignInFailures
	now         ports.Clock
}

// NewSignIns makes the part that [InitiateSSO], [StartAccountSignIn] and
// [OpenTestLink] share.
func NewSignIns(store ports.Store, brokers ports.Brokers, connections ports.Connections, clients ports.Clients, mounts *ACSMounts, failures *SignInFailures, now ports.Clock) *SignIns {
	return &SignIns{store, brokers, connections, clients, mounts, failures, now}
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

	acs connection.Mount // which the AuthnRequest names; empty: the one that is advertised
	// opened is called in the transaction that keeps the SSO transaction, before it
	// is kept; nil: nothing else belongs to it.
	opened func(ctx context.Context, tx ports.Tx, t *approval.Transaction, started audit.Event) error
}

// Initiated says where the browser goes and by what it is known.
type Initiated struct {
	Redirect  ports.Redirect
	Browser   approval.BrowserBinding
	Allowance quota.Allowance
	ClientID  string // of the device, with [connection.ErrChoose]; empty: not known
}

// beginning begins a transaction of some purpose.
type beginning func(how approval.Beginning) (*approval.Transaction, approval.SignInRequest, audit.Event, error)

// send begins a transaction and returns where the browser goes. Earlier grants of
// the browser for a device's code are dropped; a zero device is not known, or
// there is none. It returns [connection.ErrUnknown], [connection.ErrChoose], the
// refusals of the device's client and those of [ports.Broker].
func (s *SignIns) send(ctx context.Context, in Initiate, of device.Snapshot, begin beginning) (out Initiated, err error) {
	if !of.LoginHint.IsZero() { // the only person that may approve
		in.LoginHint = of.LoginHint.String()
	}
	via, err := s.choose(ctx, in, of.ClientID)
	if err != nil {
		return Initiated{ClientID: of.ClientID}, err
	}
	broker, served := s.brokers[via.Settings().Broker]
	if !served {
		return out, fmt.Errorf("connection %s: no %s broker: %w", via.Slug(), via.Settings().Broker, ports.ErrInitiateFailed)
	}
	acs := in.acs
	if acs == "" {
		if acs, err = s.mounts.advertised(ctx, via); err != nil {
			return out, err
		}
	}
	out.Browser = in.Browser.OrNew()
	transaction, signIn, started, err := begin(approval.Beginning{Via: via, Mount: in.Mount, ACS: acs, Browser: out.Browser})
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
		if !in.GrantSession.IsZero() && !of.UserCode.IsZero() {
			if err := tx.Grants().Drop(ctx, in.GrantSession.Digest(), of.UserCode, started); err != nil {
				return fmt.Errorf("drop earlier grant: %w", err)
			}
		}
		if in.opened != nil {
			if err := in.opened(ctx, tx, transaction, started); err != nil {
				return err
			}
		}
		if err := tx.Transactions().Add(ctx, transaction, started); err != nil {
			return fmt.Errorf("add transaction: %w", err)
		}
		return tx.ACSLedger().Note(ctx, sighting(transaction, acsmove.Requested, transaction.Snapshot().ACS, s.now()), started)
	})
	return out, err
}

// sighting is what was seen in a transaction of one of its connection's callbacks.
func sighting(t *approval.Transaction, what acsmove.SightingKind, on connection.Mount, at time.Time) acsmove.Sighting {
	return acsmove.Sighting{Connection: t.Snapshot().Connection, Mount: on, Kind: what, At: at}
}

// choose picks the connection among those of the client; an empty client may use
// all of them.
func (s *SignIns) choose(ctx context.Context, in Initiate, clientID string) (connection.Connection, error) {
	connections, err := s.connections.Connections(ctx)
	if err != nil {
		return connection.Connection{}, fmt.Errorf("list connections: %w", err)
	}
	if clientID == "" {
		return connections.Choose(in.Connection, in.LoginHint)
	}
	clients, err := s.clients.Clients(ctx)
	if err != nil {
		return connection.Connection{}, fmt.Errorf("list clients: %w", err)
	}
	by, err := clients.Usable(clientID)
	if err != nil {
		return connection.Connection{}, err
	}
	if via, err := connections.Find(in.Connection); err == nil {
		return via, by.CheckConnection(via.Slug())
	}
	via, err := connections.Among(by.MayConnect).Choose(in.Connection, in.LoginHint)
	if errors.Is(err, connection.ErrUnknown) && in.Connection == "" && len(connections.All()) > 0 {
		return via, client.ErrConnection
	}
	return via, err
}
