package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ReleaseIncident ends an incident that is a false alarm.
type ReleaseIncident struct {
	store ports.Store
	now   ports.Clock
}

// NewReleaseIncident makes the use case.
func NewReleaseIncident(store ports.Store, now ports.Clock) *ReleaseIncident {
	return &ReleaseIncident{store, now}
}

// Execute lets go of the source. People whose approvals were seen are at home there
// from now on. It returns [ErrNoSuchIncident] and [incident.ErrReleased].
func (uc *ReleaseIncident) Execute(ctx context.Context, id uid.ID, by audit.Actor, origin request.Origin) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		i, err := findIncident(ctx, tx.Incidents(), id)
		if err != nil {
			return err
		}
		released, err := i.Release(by, uc.now(), origin)
		if err != nil {
			return err
		}
		if err := tx.Incidents().Save(ctx, i, released); err != nil {
			return fmt.Errorf("save incident: %w", err)
		}
		return nil
	})
}
