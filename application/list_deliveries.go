package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// ListDeliveries tells how deliveries of events go.
type ListDeliveries struct {
	store ports.Store
	now   ports.Clock
}

// NewListDeliveries makes the use case.
func NewListDeliveries(store ports.Store, now ports.Clock) *ListDeliveries {
	return &ListDeliveries{store, now}
}

// DeliveryState is how one sink is.
type DeliveryState struct {
	audit.Progress
	Next    audit.Position // the first event that is still to be delivered; zero: none
	Waiting int            // parked events that are tried again
	Dead    int
}

// deadLettersShown bounds a list of dead events.
const deadLettersShown = 1000

// Execute returns the state of each sink that was delivered to, by name.
func (uc *ListDeliveries) Execute(ctx context.Context) (all []DeliveryState, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		progress, err := r.AuditDeliveries().All(ctx)
		if err != nil {
			return err
		}
		for _, p := range progress {
			s := DeliveryState{Progress: p}
			if s.Waiting, s.Dead, err = r.AuditDeliveries().Count(ctx, p.Sink); err != nil {
				return err
			}
			next, err := r.Audit().Events(ctx, ports.AuditFilter{After: p.After, Until: audit.Settled(uc.now()), Limit: 1})
			if err != nil {
				return err
			}
			if len(next) > 0 {
				s.Next = next[0].Position()
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return all, nil
}

// Dead returns up to a thousand events that a sink never took.
func (uc *ListDeliveries) Dead(ctx context.Context, of audit.Sink) (dead []audit.Parked, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		dead, err = r.AuditDeliveries().Dead(ctx, of, deadLettersShown)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list dead events: %w", err)
	}
	return dead, nil
}
