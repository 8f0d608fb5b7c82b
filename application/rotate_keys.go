package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// RotateKeys is what operators do with the key pairs of the SAML service provider.
type RotateKeys struct {
	store ports.Store
	now   ports.Clock
}

// NewRotateKeys makes the use case.
func NewRotateKeys(store ports.Store, now ports.Clock) *RotateKeys { return &RotateKeys{store, now} }

// Rotation says how a step is done.
type Rotation struct {
	Early  bool // promote although the next pair was published less than a day ago
	DryRun bool // only tell
	By     audit.Actor
	Origin request.Origin
}

// List returns [spkeys.ErrNone] before the first start.
func (uc *RotateKeys) List(ctx context.Context) (out spkeys.RingSnapshot, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		ring, _, err := r.SPKeys().Ring(ctx)
		if err == nil {
			out = ring.Snapshot()
		}
		return err
	})
	return out, err
}

// AddNext publishes a new pair. It returns [spkeys.ErrNextThere].
func (uc *RotateKeys) AddNext(ctx context.Context, in Rotation) (spkeys.RingSnapshot, error) {
	pair, err := spkeys.Generate(uc.now())
	if err != nil {
		return spkeys.RingSnapshot{}, err
	}
	return uc.change(ctx, in, func(ring *spkeys.Ring) (audit.Event, error) {
		return ring.AddNext(pair, in.By, uc.now(), in.Origin)
	})
}

// Promote lets the next pair sign. It returns the errors of [spkeys.Ring.Promote].
func (uc *RotateKeys) Promote(ctx context.Context, in Rotation) (spkeys.RingSnapshot, error) {
	return uc.change(ctx, in, func(ring *spkeys.Ring) (audit.Event, error) {
		return ring.Promote(in.Early, in.By, uc.now(), in.Origin)
	})
}

// Retire deletes the previous pair, or the next one. It returns
// [spkeys.ErrNothingToRetire].
func (uc *RotateKeys) Retire(ctx context.Context, role spkeys.Role, in Rotation) (spkeys.RingSnapshot, error) {
	return uc.change(ctx, in, func(ring *spkeys.Ring) (audit.Event, error) {
		return ring.Retire(role, in.By, uc.now(), in.Origin)
	})
}

// change returns what the ring is afterwards or, for a dry run, would be.
func (uc *RotateKeys) change(ctx context.Context, in Rotation, step func(*spkeys.Ring) (audit.Event, error)) (out spkeys.RingSnapshot, err error) {
	dry := errors.New("only a dry run")
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		ring, _, err := tx.SPKeys().Ring(ctx)
		if err != nil {
			return fmt.Errorf("SAML keys: %w", err)
		}
		changed, err := step(ring)
		if err != nil {
			return err
		}
		out = ring.Snapshot()
		if in.DryRun {
			return dry
		}
		return tx.SPKeys().Save(ctx, ring, changed)
	})
	if err == dry {
		err = nil
	}
	return out, err
}
