package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// CountSignal counts a signal of phishing, for metrics.
type CountSignal func(incident.Signal)

// PhishingWatch is what use cases tell what they observe of device authorizations:
// within their transaction it keeps the observation, and after the commit it
// assesses the sources. [HoldChecks] answers whether one is held.
type PhishingWatch struct {
	store    ports.Store
	assessor *sourceAssessor
	history  sourceHistory
	rules    incident.Rules
	count    CountSignal
	now      ports.Clock
}

// NewPhishingWatch makes the part that several use cases share.
func NewPhishingWatch(store ports.Store, holds ports.Holds, clients ports.Clients, rules incident.Rules, count CountSignal, now ports.Clock) *PhishingWatch {
	history := sourceHistory{clients, now}
	return &PhishingWatch{store, &sourceAssessor{store, holds, history, rules, count, now}, history, rules, count, now}
}

// watched is an observation with what it is of.
type watched struct {
	incident.Observation
	of     device.Snapshot
	origin request.Origin
	by     audit.Actor
	signal incident.Signal // that it is by itself, on record; empty: none
}

// keepPoll keeps a poll from elsewhere, of which event is the record.
func (w *PhishingWatch) keepPoll(ctx context.Context, tx ports.Tx, d device.Snapshot, event audit.Event) ([]watched, error) {
	o, elsewhere := incident.ObservePoll(d, event.At, event.Origin)
	if !elsewhere {
		return nil, nil
	}
	return w.keep(ctx, tx, d, event, o)
}

// keepPerson keeps what a person did about d in a browser, of which event is the
// record.
func (w *PhishingWatch) keepPerson(ctx context.Context, tx ports.Tx, kind incident.ObservationKind, d device.Snapshot, person identity.Subject, browser incident.Browser, event audit.Event) ([]watched, error) {
	return w.keep(ctx, tx, d, event, incident.Observe(kind, d, person, browser, event.At, event.Origin))
}

// keepDecision keeps a person's decision about d in a browser that had signed in
// at the given time.
func (w *PhishingWatch) keepDecision(ctx context.Context, tx ports.Tx, d device.Snapshot, signedIn time.Time, browser incident.Browser, event audit.Event) ([]watched, error) {
	return w.keep(ctx, tx, d, event, w.rules.ObserveDecision(d, signedIn, browser, event)...)
}

// keep keeps observations of d in the transaction of the event that they were made
// of, and records the signal that each is by itself.
func (w *PhishingWatch) keep(ctx context.Context, tx ports.Tx, d device.Snapshot, event audit.Event, observed ...incident.Observation) (kept []watched, err error) {
	for _, o := range observed {
		if !o.IsEvidence() {
			continue
		}
		if o.MayBeFirstTime() && !w.rules.IsExempt(o.Network) {
			first, err := w.history.isFirstTime(ctx, tx.Incidents(), tx.Tokens(), d, o.Person)
			if err != nil {
				return nil, err
			}
			if first {
				o = o.AsFirstTime()
			}
		}
		one := watched{Observation: o, of: d, origin: event.Origin, by: event.Actor}
		if err := tx.Incidents().Observe(ctx, o, event); err != nil {
			return nil, fmt.Errorf("keep observation: %w", err)
		}
		if one.signal, err = w.recordSignal(ctx, tx, one); err != nil {
			return nil, err
		}
		kept = append(kept, one)
	}
	return kept, nil
}

// recordSignal returns the signal that o is by itself.
func (w *PhishingWatch) recordSignal(ctx context.Context, tx ports.Tx, o watched) (incident.Signal, error) {
	signal := o.Signal()
	if signal == "" || w.rules.IsExempt(o.Network) {
		return "", nil
	}
	if err := tx.Audit().Record(ctx, o.Event(signal, o.by, o.of, "", o.origin)); err != nil {
		return "", fmt.Errorf("record signal: %w", err)
	}
	return signal, nil
}

// noteBurst keeps that many codes were started in a network, with the last one of
// them. A failure is made up for by the next burst.
func (w *PhishingWatch) noteBurst(ctx context.Context, d device.Snapshot, origin request.Origin) {
	o := watched{Observation: incident.ObserveBurst(d, w.now()), of: d, origin: origin, by: audit.ClientOf(d.ClientID), signal: incident.ManyStarts}
	event := o.Event(incident.ManyStarts, o.by, d, "", origin)
	err := w.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return tx.Incidents().Observe(ctx, o.Observation, event) })
	if err == nil && !w.rules.IsExempt(o.Network) {
		w.assess(ctx, o)
	}
}

// assess counts and weighs observations that were kept, each source in the light of
// all that was seen, and holds those that are suspected. It comes after the commit,
// so that of several people at the same time the last one is weighed with all
// others. What fails here is made up for by the next observation.
func (w *PhishingWatch) assess(ctx context.Context, observed ...watched) {
	for _, o := range observed {
		if o.signal != "" {
			w.count(o.signal)
		}
		if o.IsWeighed() && !w.rules.IsExempt(o.Network) {
			w.assessor.assess(ctx, o)
		}
	}
}

// browserOf is the browser that holds a grant.
func browserOf(grant *approval.Grant) incident.Browser {
	return incident.Browser{Session: grant.Snapshot().Session, SignedInFrom: grant.Snapshot().SignedInFrom}
}
