package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

var (
	// ErrKeysInFiles says that the pairs are not those of the store.
	ErrKeysInFiles = fault.New(fault.Conflict, "keys_in_files",
		"SAML_SP_KEY_FILE is set: the keys are those of files, and are rotated there (docs/operators.md).")
	// ErrNoKeys says that the store has no pair yet.
	ErrNoKeys = fault.New(fault.NotFound, "no_keys",
		"There is no SAML key yet. Start devicegate serve: it makes one.")
)

// KeysInFiles says that the operator keeps the pairs in files.
type KeysInFiles bool

// RotateKeys is what operators do with the key pairs of the SAML service provider.
// Its methods return [ErrKeysInFiles] and [ErrNoKeys].
type RotateKeys struct {
	store   ports.Store
	inFiles KeysInFiles
	now     ports.Clock
}

// NewRotateKeys makes the use case.
func NewRotateKeys(store ports.Store, inFiles KeysInFiles, now ports.Clock) *RotateKeys {
	return &RotateKeys{store, inFiles, now}
}

// Rotation says how a step is done.
type Rotation struct {
	Early   bool   // promote although the next pair was published less than a day ago
	DryRun  bool   // only check
	Version string // of the pairs as they were read; empty: any
	By      audit.Actor
	Origin  request.Origin
}

// List returns the pairs.
func (uc *RotateKeys) List(ctx context.Context) (out spkeys.RingSnapshot, err error) {
	if uc.inFiles {
		return out, ErrKeysInFiles
	}
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		ring, err := ringOf(ctx, r.SPKeys())
		if err == nil {
			out = ring.Snapshot()
		}
		return err
	})
	return out, err
}

// AddNext publishes a new pair. It returns [spkeys.ErrNextExists].
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

func ringOf(ctx context.Context, keys ports.SPKeyReader) (*spkeys.Ring, error) {
	ring, _, err := keys.Ring(ctx)
	switch {
	case errors.Is(err, spkeys.ErrNone):
		return nil, fmt.Errorf("%w (%w)", ErrNoKeys, err)
	case err != nil:
		return nil, fmt.Errorf("SAML keys: %w", err)
	}
	return ring, nil
}

// change returns what the ring is afterwards or, for a dry run, would be.
func (uc *RotateKeys) change(ctx context.Context, in Rotation, step func(*spkeys.Ring) (audit.Event, error)) (out spkeys.RingSnapshot, err error) {
	if uc.inFiles {
		return out, ErrKeysInFiles
	}
	dryRun := errors.New("only a dry run")
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		ring, err := ringOf(ctx, tx.SPKeys())
		if err != nil {
			return err
		}
		if err := ring.CheckVersion(in.Version); err != nil {
			return err
		}
		changed, err := step(ring)
		if err != nil {
			return err
		}
		out = ring.Snapshot()
		if in.DryRun {
			return dryRun
		}
		return tx.SPKeys().Save(ctx, ring, changed)
	})
	if err == dryRun {
		err = nil
	}
	return out, err
}
