package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// TestACS makes a link by which one person tries the canonical callback out.
type TestACS struct {
	store       ports.Store
	connections ports.Connections
	now         ports.Clock
}

// NewTestACS makes the use case.
func NewTestACS(store ports.Store, connections ports.Connections, now ports.Clock) *TestACS {
	return &TestACS{store, connections, now}
}

// ACSTestMade is a test that can be opened.
type ACSTestMade struct {
	Link      acsmove.Link
	ExpiresAt time.Time
}

// Execute returns [connection.ErrUnknown] and [acsmove.ErrNotSAML]. A link that was
// made before is worth nothing from then on.
func (uc *TestACS) Execute(ctx context.Context, slug string, by audit.Actor, origin request.Origin) (out ACSTestMade, err error) {
	via, err := findConnection(ctx, uc.connections, slug)
	if err != nil {
		return out, err
	}
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		move, err := tx.ACSLedger().Move(ctx, slug)
		if err != nil {
			return fmt.Errorf("find move: %w", err)
		}
		link, made, err := move.NewTest(via, by, uc.now(), origin)
		if err != nil {
			return err
		}
		out = ACSTestMade{link, move.Snapshot().Test.ExpiresAt}
		return saveMove(ctx, tx, move, []audit.Event{made})
	})
	return out, err
}

// findConnection returns [connection.ErrNotListed] for an unknown slug.
func findConnection(ctx context.Context, connections ports.Connections, slug string) (connection.Connection, error) {
	all, err := connections.Connections(ctx)
	if err != nil {
		return connection.Connection{}, fmt.Errorf("list connections: %w", err)
	}
	found, err := all.Find(slug)
	if err != nil {
		err = connection.ErrNotListed
	}
	return found, err
}
