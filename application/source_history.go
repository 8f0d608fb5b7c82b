package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// sourceHistory reads what [PhishingWatch] and [HoldChecks] have to know of the time
// before: of a source, and of a person and a device.
type sourceHistory struct {
	clients ports.Clients
	now     ports.Clock
}

// of is what became of earlier incidents of a source, and what was observed of it.
func (h sourceHistory) of(ctx context.Context, r ports.IncidentReader, source incident.Source, at time.Time) (incident.Past, []incident.Observation, error) {
	latest, err := r.LatestOf(ctx, source) // nil with ErrUnknown
	if err != nil && !errors.Is(err, incident.ErrUnknown) {
		return incident.Past{}, nil, fmt.Errorf("find incident: %w", err)
	}
	seen, err := r.Seen(ctx, source, at.Add(-incident.Memory), incident.SeenAtMost)
	if err != nil {
		return incident.Past{}, nil, fmt.Errorf("find observations: %w", err)
	}
	return incident.PastOf(latest), seen, nil
}

// isCommon reports whether a source is what devices without a label of their own
// have in common.
func (h sourceHistory) isCommon(ctx context.Context, source incident.Source) (bool, error) {
	if source.Kind != incident.Devices {
		return false, nil
	}
	clients, err := h.clients.Clients(ctx)
	if err != nil {
		return false, fmt.Errorf("list clients: %w", err)
	}
	of, _ := clients.Find(source.ClientID)
	return source.Label == of.DefaultLabel(), nil
}

// isFirstTime reports whether a person elsewhere has never connected the client and
// label of d, whose network is unknown to [incident.IsUsedNear]. Without a label of its
// own it counts as connected only where it was.
func (h sourceHistory) isFirstTime(ctx context.Context, r ports.IncidentReader, tokens ports.TokenReader, d device.Snapshot, person identity.Subject) (bool, error) {
	at, network := h.now(), incident.NetworkOf(d.RequestedFrom)
	before := sameDevice(d, person)
	common, err := h.isCommon(ctx, incident.Source{Kind: incident.Devices, ClientID: d.ClientID, Label: d.Label})
	if err != nil {
		return false, err
	}
	if common { // most people have connected a device without a name
		before.FetchedFrom = network
	}
	if _, connected, err := tokens.Matching(ctx, before, true, at, 0, 1); err != nil || connected > 0 {
		return false, err
	}
	if !network.IsValid() {
		return true, nil
	}
	_, seen, err := h.of(ctx, r, incident.Source{Kind: incident.Network, Network: network}, at)
	return err == nil && !incident.IsUsedNear(person, seen), err
}

// sameDevice matches a person's tokens of the client and label of d.
func sameDevice(d device.Snapshot, person identity.Subject) token.Filter {
	return token.Filter{Email: person.Email(), Issuer: person.Issuer(), ClientID: d.ClientID, Label: d.Label}
}
