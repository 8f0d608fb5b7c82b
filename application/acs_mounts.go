package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// LegacyRoutes says whether the legacy mount is served.
type LegacyRoutes bool

// ACSMounts tells which callbacks a connection has: its setting, what the ledger
// says about it, and whether the legacy mount is served at all. It asks the store
// each time, so that a move is effective on all replicas at once.
type ACSMounts struct {
	store       ports.Store
	connections ports.Connections
	legacy      LegacyRoutes
	now         ports.Clock
}

// NewACSMounts makes the part that [SignIns] and the metadata of the service
// provider share.
func NewACSMounts(store ports.Store, connections ports.Connections, legacy LegacyRoutes, now ports.Clock) *ACSMounts {
	return &ACSMounts{store, connections, legacy, now}
}

// advertised is the callback that AuthnRequests through via name. A connection that
// is configured with the canonical one costs no look-up.
func (m *ACSMounts) advertised(ctx context.Context, via connection.Connection) (connection.Mount, error) {
	set := via.Settings().ACSMount
	if set == connection.Canonical || !m.legacy {
		return connection.Canonical, nil
	}
	var move *acsmove.Move
	err := m.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		move, err = r.ACSLedger().Move(ctx, via.Slug())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find move: %w", err)
	}
	return move.Snapshot().Advertised(set), nil
}

// Published are the callbacks that our metadata lists, the default first: for one
// connection those that its move needs, for any ("") all that are served. It
// returns [connection.ErrUnknown].
func (m *ACSMounts) Published(ctx context.Context, slug string) ([]connection.Mount, error) {
	both, canonical := []connection.Mount{connection.Canonical, connection.Legacy}, []connection.Mount{connection.Canonical}
	switch {
	case !bool(m.legacy):
		return canonical, nil
	case slug == "":
		return both, nil
	}
	all, err := m.connections.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	via, err := all.Find(slug)
	if err != nil {
		return nil, err
	}
	var ledger acsmove.Ledger
	err = m.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		ledger, err = r.ACSLedger().Ledger(ctx, slug)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find ledger: %w", err)
	}
	if ledger.Lists(via.Settings().ACSMount, m.now()) {
		return both, nil
	}
	return canonical, nil
}
