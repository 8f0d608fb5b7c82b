package application

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// HoldChecks answer whether a held source of an authorization concerns an approval
// or a redemption. [PhishingWatch] is what holds sources. While nothing is held, a
// check costs no statement.
type HoldChecks struct {
	store   ports.Store
	holds   ports.Holds
	history sourceHistory
	rules   incident.Rules
	now     ports.Clock
}

// NewHoldChecks makes the part that several use cases share.
func NewHoldChecks(store ports.Store, holds ports.Holds, clients ports.Clients, rules incident.Rules, now ports.Clock) *HoldChecks {
	return &HoldChecks{store, holds, sourceHistory{clients, now}, rules, now}
}

// Held are the sources that are held now.
func (h *HoldChecks) Held(ctx context.Context) (incident.Holds, error) {
	held, err := h.holds.Holds(ctx)
	if err != nil {
		return held, fmt.Errorf("list held sources: %w", err)
	}
	return held, nil
}

// Suspected reports whether an approval of d by a person, from origin, takes one
// more step, because a source of d is held. A person that is, and signed in, in the
// device's own network (at its own address, if that is the source) is not concerned
// ([incident.Source.Spares]), nor one at home at the source, nor of first connections one
// that has connected the device before, or in whose network people approve, or several
// people approved from elsewhere before.
// The held sources are those of [HoldChecks.Held], from before the transaction.
func (h *HoldChecks) Suspected(ctx context.Context, r ports.IncidentReader, tokens ports.TokenReader, held incident.Holds, d device.Snapshot, person identity.Subject, origin request.Origin, signedInFrom netip.Addr) (bool, error) {
	holding := h.among(held, d)
	if len(holding) == 0 {
		return false, nil
	}
	o := incident.Observe(incident.Opened, d, person, incident.Browser{SignedInFrom: signedInFrom}, h.now(), origin)
	for _, i := range concerning(holding, o) {
		if i.Snapshot().Source.Kind == incident.FirstTime {
			first, err := h.history.isFirstTime(ctx, r, tokens, d, person)
			if err != nil {
				return false, err
			}
			if !first {
				continue
			}
		}
		source, at := i.Snapshot().Source, h.now()
		past, seen, err := h.history.of(ctx, r, source, at)
		if err != nil {
			return false, err
		}
		if !h.rules.IsUnconcerned(source, o, seen, past, at) {
			return true, nil
		}
	}
	return false, nil
}

// mayRedeem reports whether an approved authorization may be redeemed now.
func (h *HoldChecks) mayRedeem(ctx context.Context, d device.Snapshot) (may bool, err error) {
	held, err := h.Held(ctx)
	if err != nil {
		return false, err
	}
	holding := h.among(held, d)
	if len(holding) == 0 {
		return true, nil
	}
	err = h.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		observed, err := r.Incidents().SeenOf(ctx, d.ID)
		if err != nil {
			return fmt.Errorf("find observations: %w", err)
		}
		approved := incident.ApprovalIn(observed)
		approved.Person = d.Subject
		may, err = h.allMayRedeem(ctx, r.Incidents(), concerning(holding, approved), d, approved)
		return err
	})
	return may, err
}

// concerning are those of incidents that do not spare the person of o, that is or may be
// elsewhere than the source.
func concerning(all []*incident.Incident, o incident.Observation) (some []*incident.Incident) {
	for _, i := range all {
		if source := i.Snapshot().Source; !source.Spares(source.WhereaboutsOf(o)) {
			some = append(some, i)
		}
	}
	return some
}

// allMayRedeem reports whether no incident lets the redemption wait. What was seen of
// a source, which may be much, is read only where it matters.
func (h *HoldChecks) allMayRedeem(ctx context.Context, r ports.IncidentReader, holding []*incident.Incident, d device.Snapshot, approved incident.Observation) (bool, error) {
	at := h.now()
	for _, i := range holding {
		if h.rules.MayRedeem(i, d, false, at) {
			continue
		}
		past, seen, err := h.history.of(ctx, r, i.Snapshot().Source, at)
		if err != nil {
			return false, err
		}
		if !h.rules.MayRedeemAfter(i, d, approved, seen, past, at) {
			return false, nil
		}
	}
	return true, nil
}

// among are the held sources of d.
func (h *HoldChecks) among(held incident.Holds, d device.Snapshot) []*incident.Incident {
	if h.rules.IsExempt(incident.NetworkOf(d.RequestedFrom)) {
		return nil
	}
	return held.Holding(d, h.now())
}
