package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ShowIncident tells administrators what the source of an incident started, and
// what it got.
type ShowIncident struct {
	store ports.Store
	rules incident.Rules
	now   ports.Clock
}

// NewShowIncident makes the use case.
func NewShowIncident(store ports.Store, rules incident.Rules, now ports.Clock) *ShowIncident {
	return &ShowIncident{store, rules, now}
}

// ErrNoSuchIncident says that no incident has an id.
var ErrNoSuchIncident = fault.New(fault.NotFound, "unknown_incident",
	"There is no incident with this id. List the incidents to find its id.")

// IncidentDetails are an incident, and what its source started since a window
// before it was noticed.
type IncidentDetails struct {
	DescribedIncident
	Since   time.Time
	Devices []IncidentDevice // the youngest first
}

// IncidentDevice is one device that a source started.
type IncidentDevice struct {
	device.Snapshot
	// Where is the person who approved it, as seen from the source; empty: it was not
	// approved.
	Where incident.Whereabouts
	// Token is what it got; nil: nothing that is kept.
	Token *token.Snapshot
	Live  bool // the token is
}

// Execute shows one. It returns [ErrNoSuchIncident].
func (uc *ShowIncident) Execute(ctx context.Context, id uid.ID) (out IncidentDetails, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		i, err := findIncident(ctx, r.Incidents(), id)
		if err != nil {
			return err
		}
		out.DescribedIncident = DescribedIncident{Snapshot: i.Snapshot(), State: i.State(uc.now())}
		out.Since = uc.rules.Since(i)
		started, err := startedBy(ctx, r.Incidents(), i, out.Since)
		if err != nil {
			return err
		}
		for _, a := range started {
			one := IncidentDevice{Snapshot: a.Snapshot(), Where: a.where}
			if a.IsRedeemed() {
				t, err := r.Tokens().ByID(ctx, one.TokenID)
				if err != nil && !errors.Is(err, token.ErrUnknown) {
					return fmt.Errorf("find token: %w", err)
				}
				if err == nil {
					s := t.Snapshot()
					one.Token, one.Live = &s, t.Valid(uc.now()) == nil
				}
			}
			out.Devices = append(out.Devices, one)
		}
		return nil
	})
	return out, err
}

func findIncident(ctx context.Context, r ports.IncidentReader, id uid.ID) (*incident.Incident, error) {
	i, err := r.ByID(ctx, id)
	if errors.Is(err, incident.ErrUnknown) {
		return nil, ErrNoSuchIncident
	}
	if err != nil {
		return nil, fmt.Errorf("find incident: %w", err)
	}
	return i, nil
}

// startedDevice is an authorization that a source started.
type startedDevice struct {
	*device.Authorization
	where incident.Whereabouts // of the person who approved it, as seen from the source
}

// startedBy are the authorizations that the source of an incident started, up to
// [endAtOnce].
func startedBy(ctx context.Context, r ports.IncidentReader, i *incident.Incident, since time.Time) ([]startedDevice, error) {
	source := i.Snapshot().Source
	found, err := r.StartedBy(ctx, source, since, endAtOnce)
	if err != nil {
		return nil, fmt.Errorf("find what a source started: %w", err)
	}
	seen, err := r.Seen(ctx, source, since, 2*endAtOnce)
	if err != nil {
		return nil, fmt.Errorf("find observations: %w", err)
	}
	where := map[uid.ID]incident.Whereabouts{}
	for _, o := range seen {
		if o.Kind == incident.Approved {
			where[o.Authorization] = source.WhereaboutsOf(o)
		}
	}
	out := make([]startedDevice, len(found))
	for n, a := range found {
		out[n] = startedDevice{a, where[a.Snapshot().ID]}
	}
	return out, nil
}
