package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// AdvanceACS makes the requests of connections name the canonical callback, or what
// their setting says again.
type AdvanceACS struct {
	store       ports.Store
	connections ports.Connections
	now         ports.Clock
}

// NewAdvanceACS makes the use case.
func NewAdvanceACS(store ports.Store, connections ports.Connections, now ports.Clock) *AdvanceACS {
	return &AdvanceACS{store, connections, now}
}

// Advance says which connections to move.
type Advance struct {
	Connections []string // slugs; none: all that are proven
	Version     string   // of the one connection as it was read; empty: any
	Unproven    bool     // also without a sign-in on the canonical callback
	Back        bool     // to what the connections' settings say
	DryRun      bool     // only check
	By          audit.Actor
	Origin      request.Origin
}

// Execute moves all of them or, if its error says why one cannot be moved, none,
// and returns their slugs. It returns [connection.ErrUnknown] and the errors of
// [acsmove.Move.CheckVersion], [acsmove.Move.Advance] and [acsmove.Move.Revert].
func (uc *AdvanceACS) Execute(ctx context.Context, in Advance) ([]string, error) {
	states, err := acsStates(ctx, uc.store, uc.connections, uc.now())
	if err != nil {
		return nil, err
	}
	var moving []ACSState
	if len(in.Connections) == 0 && !in.Back {
		for _, s := range states {
			if s.Advertised == connection.Legacy && s.Proven {
				moving = append(moving, s)
			}
		}
	}
	for _, slug := range in.Connections {
		state, err := stateOf(states, slug)
		if err != nil {
			return nil, ofConnection(slug, err)
		}
		moving = append(moving, state)
	}
	dryRun := errors.New("only a dry run")
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		var errs []error
		for _, s := range moving {
			if err := uc.move(ctx, tx, s, in); err != nil {
				errs = append(errs, ofConnection(s.Connection.Slug(), err))
			}
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if in.DryRun {
			return dryRun
		}
		return nil
	})
	if err != nil && err != dryRun {
		return nil, err
	}
	slugs := make([]string, len(moving))
	for i, s := range moving {
		slugs[i] = s.Connection.Slug()
	}
	return slugs, nil
}

func (uc *AdvanceACS) move(ctx context.Context, tx ports.Tx, s ACSState, in Advance) error {
	move, err := tx.ACSLedger().Move(ctx, s.Connection.Slug())
	if err != nil {
		return fmt.Errorf("find move: %w", err)
	}
	if err := move.CheckVersion(in.Version); err != nil {
		return err
	}
	var moved audit.Event
	if in.Back {
		moved, err = move.Revert(in.By, uc.now(), in.Origin)
	} else {
		moved, err = move.Advance(s.Ledger, s.Connection, in.Unproven, in.By, uc.now(), in.Origin)
	}
	if err != nil {
		return err
	}
	return saveMove(ctx, tx, move, []audit.Event{moved})
}

// stateOf returns [connection.ErrUnknown], also for connections of other brokers.
func stateOf(states []ACSState, slug string) (ACSState, error) {
	for _, s := range states {
		if s.Connection.Slug() == slug {
			return s, nil
		}
	}
	return ACSState{}, connection.ErrNotListed
}

// ofConnection says in a refusal which of several connections it concerns.
func ofConnection(slug string, err error) error {
	if f, is := fault.Of(err); is {
		err = f.Saying("Connection " + slug + ": " + f.Message)
	}
	return err
}
