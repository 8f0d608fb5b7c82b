package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// ACSStatus tells operators how far each connection is on its way to the canonical
// callback.
type ACSStatus struct {
	store       ports.Store
	connections ports.Connections
	now         ports.Clock
}

// NewACSStatus makes the use case.
func NewACSStatus(store ports.Store, connections ports.Connections, now ports.Clock) *ACSStatus {
	return &ACSStatus{store, connections, now}
}

// ACSState is how far one connection is.
type ACSState struct {
	Connection connection.Connection
	Ledger     acsmove.Ledger
	Advertised connection.Mount // which AuthnRequests name while the legacy mount is served
	Verdict    acsmove.Verdict
	Needs      string // why it cannot do without the legacy callback; empty: it can
	Proven     bool
	Test       acsmove.Outcome
	At         time.Time
}

// Execute returns the SAML connections in the order of the configuration. Those of
// other brokers have no callback of ours.
func (uc *ACSStatus) Execute(ctx context.Context) ([]ACSState, error) {
	return acsStates(ctx, uc.store, uc.connections, uc.now())
}

func acsStates(ctx context.Context, store ports.Store, connections ports.Connections, at time.Time) ([]ACSState, error) {
	all, err := connections.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	var ledgers map[string]acsmove.Ledger
	err = store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		ledgers, err = r.ACSLedger().Ledgers(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list ledgers: %w", err)
	}
	var states []ACSState
	for _, via := range all.All() {
		if via.Settings().Broker != connection.SAML {
			continue
		}
		l, seen := ledgers[via.Slug()]
		if !seen {
			l = acsmove.Ledger{Connection: via.Slug(), Move: acsmove.New(via.Slug()).Snapshot()}
		}
		set := via.Settings().ACSMount
		states = append(states, ACSState{
			Connection: via, Ledger: l, Advertised: l.Move.Advertised(set), Verdict: l.Verdict(set, at), Needs: l.NeedsLegacy(set, at),
			Proven: l.Proven(at), Test: l.Move.Test.Outcome(at), At: at,
		})
	}
	return states, nil
}
