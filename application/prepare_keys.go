package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// FirstPair is the pair of an installation whose store has none, and where it comes
// from.
type FirstPair func() (pair spkeys.Pair, reason string, err error)

// PrepareKeys gives an installation the key pair of its SAML service provider, once
// for all replicas, and seals it anew after SECRET_KEY was changed.
type PrepareKeys struct {
	store ports.Store
	first FirstPair
	now   ports.Clock
}

// NewPrepareKeys makes the use case.
func NewPrepareKeys(store ports.Store, first FirstPair, now ports.Clock) *PrepareKeys {
	return &PrepareKeys{store, first, now}
}

// Execute may run in several processes at once: one of them makes the pair.
func (uc *PrepareKeys) Execute(ctx context.Context) error {
	by := audit.WorkerOf("prepare_keys")
	stale, err := uc.isStale(ctx)
	switch {
	case errors.Is(err, spkeys.ErrNone):
		pair, reason, err := uc.first()
		if err != nil {
			return err
		}
		ring, made := spkeys.NewRing(pair, reason, by, uc.now())
		err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return tx.SPKeys().Add(ctx, ring, made) })
		if errors.Is(err, spkeys.ErrExist) { // another process was first
			return nil
		}
		return err
	case err != nil || !stale:
		return err
	}
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		ring, stale, err := tx.SPKeys().Ring(ctx)
		if err != nil || !stale {
			return err
		}
		return tx.SPKeys().Save(ctx, ring, ring.Resealed(by, uc.now()))
	})
}

// isStale reports whether the pairs are sealed with an old SECRET_KEY. It returns
// [spkeys.ErrNone].
func (uc *PrepareKeys) isStale(ctx context.Context) (stale bool, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		_, stale, err = r.SPKeys().Ring(ctx)
		return err
	})
	if err != nil {
		err = fmt.Errorf("SAML keys: %w", err)
	}
	return stale, err
}
