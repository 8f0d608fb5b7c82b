package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ListIncidents tells administrators which sources are held or noticed, or were.
type ListIncidents struct {
	store ports.Store
	now   ports.Clock
}

// NewListIncidents makes the use case.
func NewListIncidents(store ports.Store, now ports.Clock) *ListIncidents {
	return &ListIncidents{store, now}
}

// DescribedIncident is an incident as administrators see it.
type DescribedIncident struct {
	incident.Snapshot
	State incident.State // now
	// Unreadable says why nothing but the id can be read of it; its source is not held
	// then.
	Unreadable string
}

// IncidentList is one page of incidents, the youngest first.
type IncidentList struct {
	Incidents []DescribedIncident
	Total     int
}

// Execute lists them. Those of a page that cannot be read come last.
func (uc *ListIncidents) Execute(ctx context.Context, page Page) (out IncidentList, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		found, total, err := r.Incidents().All(ctx, page.offset(), page.limit)
		unreadable, err := ports.LeaveOut(err)
		if err != nil {
			return fmt.Errorf("list incidents: %w", err)
		}
		out.Total = total
		for _, i := range found {
			out.Incidents = append(out.Incidents, DescribedIncident{Snapshot: i.Snapshot(), State: i.State(uc.now())})
		}
		for _, row := range unreadable {
			id, _ := uid.Parse(row.Key) // none: zero
			out.Incidents = append(out.Incidents, DescribedIncident{Snapshot: incident.Snapshot{ID: id}, Unreadable: row.Err.Error()})
		}
		return nil
	})
	return out, err
}
