package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/ports"
)

// SweepExpired deletes what has expired and cannot be used any more.
type SweepExpired struct {
	store   ports.Store
	now     ports.Clock
	batches batches
}

// NewSweepExpired makes the use case.
func NewSweepExpired(store ports.Store, now ports.Clock) *SweepExpired {
	return &SweepExpired{store, now, usualBatches}
}

// Execute returns how many rows it deleted. It may be interrupted at any time
// and run beside itself. What is left goes with the next run.
func (uc *SweepExpired) Execute(ctx context.Context) (total int, err error) {
	now := uc.now()
	s := newSweep(uc.store, uc.batches, ports.SweepExpired, now)
	before := approval.DeletableBefore(now)
	for _, table := range []struct {
		what   string
		remove func(ctx context.Context, tx ports.Tx, limit int) (int, error)
	}{
		{"SSO transactions", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.Transactions().DeleteExpired(ctx, before, limit)
		}},
		{"grants", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.Grants().DeleteExpired(ctx, before, limit)
		}},
		{"notices", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.Notices().DeleteExpired(ctx, now, limit)
		}},
		{"spent assertions", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.Transactions().DeleteSpent(ctx, before, limit)
		}},
		{"observations", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.Incidents().DeleteSeen(ctx, now.Add(-incident.Memory), limit)
		}},
		{"refused responses", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.RefusedResponses().DeleteReceived(ctx, explain.DeletableBefore(now), limit)
		}},
		// Last, because those that the others refer to stay.
		{"device authorizations", func(ctx context.Context, tx ports.Tx, limit int) (int, error) {
			return tx.Authorizations().DeleteExpired(ctx, device.DeletableBefore(now), limit)
		}},
	} {
		n, err := s.expired(ctx, table.what, table.remove)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
