package application

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// CountSignal counts a signal of phishing, for metrics.
type CountSignal func(incident.Signal)

// PhishingWatch is what use cases tell what they observe of device authorizations,
// and ask whether the source of one is held. While nothing is held, asking costs no
// statement.
type PhishingWatch struct {
	store   ports.Store
	holds   ports.Holds
	clients ports.Clients
	rules   incident.Rules
	count   CountSignal
	now     ports.Clock
}

// NewPhishingWatch makes the part that several use cases share.
func NewPhishingWatch(store ports.Store, holds ports.Holds, clients ports.Clients, rules incident.Rules, count CountSignal, now ports.Clock) *PhishingWatch {
	return &PhishingWatch{store, holds, clients, rules, count, now}
}

// watched is an observation with what it is of.
type watched struct {
	incident.Observation
	of     device.Snapshot
	origin request.Origin
	by     audit.Actor
}

// keep keeps an observation in the transaction of the event that it was made of,
// and records the signal that it is by itself.
func (w *PhishingWatch) keep(ctx context.Context, tx ports.Tx, o watched, event audit.Event) error {
	if err := tx.Incidents().Observe(ctx, o.Observation, event); err != nil {
		return fmt.Errorf("keep observation: %w", err)
	}
	signal := o.Signal()
	if signal == "" || w.rules.IsExempt(o.Network) {
		return nil
	}
	if err := tx.Audit().Record(ctx, o.Event(signal, o.by, o.of, "", o.origin)); err != nil {
		return fmt.Errorf("record signal: %w", err)
	}
	w.count(signal)
	return nil
}

// keepPoll keeps a poll from elsewhere, of which event is the record.
func (w *PhishingWatch) keepPoll(ctx context.Context, tx ports.Tx, d device.Snapshot, event audit.Event) ([]watched, error) {
	o, elsewhere := incident.ObservePoll(d, event.At, event.Origin)
	if !elsewhere {
		return nil, nil
	}
	kept := watched{o, d, event.Origin, event.Actor}
	return []watched{kept}, w.keep(ctx, tx, kept, event)
}

// keepPerson keeps what a person did about d in a browser, of which event is the
// record.
func (w *PhishingWatch) keepPerson(ctx context.Context, tx ports.Tx, what incident.What, d device.Snapshot, person identity.Subject, browser incident.Browser, event audit.Event) ([]watched, error) {
	o := incident.Observe(what, d, person, browser, event.At, event.Origin)
	if what == incident.Opened && o.Where != incident.Far {
		return nil, nil
	}
	first := what == incident.Reported
	if !first && o.Where == incident.Far {
		var err error
		if first, err = w.isFirstTime(ctx, tx.Incidents(), tx.Tokens(), d, person); err != nil {
			return nil, err
		}
	}
	if first {
		o = o.AsFirstTime(d)
	}
	kept := watched{o, d, event.Origin, event.Actor}
	return []watched{kept}, w.keep(ctx, tx, kept, event)
}

// isFirstTime reports whether a person elsewhere has never connected the client and
// label of d, which is in a network in which no person is. Without a label of its
// own it counts as connected only where it was.
func (w *PhishingWatch) isFirstTime(ctx context.Context, r ports.IncidentReader, tokens ports.TokenReader, d device.Snapshot, person identity.Subject) (bool, error) {
	at, network := w.now(), incident.NetworkOf(d.RequestedFrom)
	before := sameDevice(d, person)
	common, err := w.isCommon(ctx, incident.Source{Kind: incident.Devices, ClientID: d.ClientID, Label: d.Label})
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
	_, seen, err := w.seen(ctx, r, incident.Source{Kind: incident.Network, Network: network}, at)
	return err == nil && !incident.HasPeopleNear(seen), err
}

// sameDevice matches a person's tokens of the client and label of d.
func sameDevice(d device.Snapshot, person identity.Subject) token.Filter {
	return token.Filter{Email: person.Email(), Issuer: person.Issuer(), ClientID: d.ClientID, Label: d.Label}
}

// browserOf is the browser that holds a grant.
func browserOf(grant *approval.Grant) incident.Browser {
	return incident.Browser{Session: grant.Snapshot().Session, SignedInFrom: grant.Snapshot().SignedInFrom}
}

// keepDecision keeps a person's decision about d in a browser that had signed in
// at the given time.
func (w *PhishingWatch) keepDecision(ctx context.Context, tx ports.Tx, d device.Snapshot, signedIn time.Time, browser incident.Browser, event audit.Event) (observed []watched, err error) {
	switch {
	case d.Status == device.Approved:
		observed, err = w.keepPerson(ctx, tx, incident.Approved, d, d.Subject, browser, event)
		if err == nil && observed[0].Where == incident.Far && event.At.Before(signedIn.Add(w.rules.Reading)) {
			return w.keepPerson(ctx, tx, incident.Hasty, d, d.Subject, browser, event)
		}
		return nil, err // the person was weighed when they signed in
	case event.Reason == device.NotRequested:
		return w.keepPerson(ctx, tx, incident.Reported, d, d.Subject, browser, event)
	}
	return nil, nil
}

// assess weighs the sources of observations that were kept, each in the light of
// all that was seen, and holds those that are suspected. It comes after the commit,
// so that of several people at the same time the last one is weighed with all
// others. What fails here is made up for by the next observation.
func (w *PhishingWatch) assess(ctx context.Context, observed ...watched) {
	for _, o := range observed {
		if w.rules.IsExempt(o.Network) {
			continue
		}
		told := map[incident.Signal]bool{}
		for _, source := range incident.SourcesOf(o.of) {
			if source.Kind == incident.FirstTime && (o.FirstTime == "" || w.explains(ctx)(o.Observation)) {
				continue
			}
			_ = w.assessSource(ctx, source, o, told)
		}
	}
}

// explains reports whether a source that is held has an observation, other than by
// first connections, for which it does not count then.
func (w *PhishingWatch) explains(ctx context.Context) func(incident.Observation) bool {
	held, _ := w.Held(ctx) // else it counts for both
	at := w.now()
	return func(o incident.Observation) bool { return held.Explains(o, at) }
}

// assessSource records the signals that o brings, each once for all sources.
func (w *PhishingWatch) assessSource(ctx context.Context, source incident.Source, o watched, told map[incident.Signal]bool) error {
	at := w.now()
	common, err := w.isCommon(ctx, source)
	if err != nil {
		return err
	}
	var latest *incident.Incident
	var seen []incident.Observation
	err = w.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		latest, seen, err = w.seen(ctx, r.Incidents(), source, at)
		return err
	})
	if err != nil {
		return err
	}
	if source.Kind == incident.FirstTime {
		seen = slices.DeleteFunc(seen, w.explains(ctx))
	}
	signals, before, why := w.rules.Weigh(source, common, seen, o.ID, incident.PastOf(latest), at)
	signals = slices.DeleteFunc(signals, func(s incident.Signal) bool { return told[s] })
	if why.Points <= before.Points || !why.Suspected() && len(signals) == 0 {
		return nil
	}
	err = w.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		for _, signal := range signals {
			if err := tx.Audit().Record(ctx, o.Event(signal, o.by, o.of, "source: "+source.String()+"; "+why.String(), o.origin)); err != nil {
				return fmt.Errorf("record signal: %w", err)
			}
		}
		if !why.Suspected() {
			return nil
		}
		return w.hold(ctx, tx, source, why, o.Authorization, at)
	})
	if errors.Is(err, incident.ErrOpen) { // another replica has noticed it, too
		err = nil
	}
	if err != nil {
		return err
	}
	for _, signal := range signals {
		told[signal] = true
		w.count(signal)
	}
	if why.Suspected() {
		w.holds.Refresh(ctx)
	}
	return nil
}

// hold begins an incident, or extends the open one.
func (w *PhishingWatch) hold(ctx context.Context, tx ports.Tx, source incident.Source, why incident.Assessment, authorization uid.ID, at time.Time) error {
	latest, err := tx.Incidents().LatestOf(ctx, source)
	if err != nil && !errors.Is(err, incident.ErrUnknown) {
		return fmt.Errorf("find incident: %w", err)
	}
	if err == nil {
		extended, err := w.rules.Extend(latest, why, at)
		if err == nil {
			return tx.Incidents().Save(ctx, latest, extended)
		}
	}
	noticed, event := w.rules.Notice(source, why, authorization, at)
	return tx.Incidents().Add(ctx, noticed, event)
}

// noteBurst keeps that many codes were started in a network, with the last one of
// them. A failure is made up for by the next burst.
func (w *PhishingWatch) noteBurst(ctx context.Context, d device.Snapshot, origin request.Origin) {
	o := watched{incident.ObserveBurst(d, w.now()), d, origin, audit.ClientOf(d.ClientID)}
	event := o.Event(incident.ManyStarts, o.by, d, "", origin)
	err := w.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return tx.Incidents().Observe(ctx, o.Observation, event) })
	if err == nil && !w.rules.IsExempt(o.Network) {
		w.count(incident.ManyStarts)
		w.assess(ctx, o)
	}
}

// isCommon reports whether a source is what devices without a label of their own
// have in common.
func (w *PhishingWatch) isCommon(ctx context.Context, source incident.Source) (bool, error) {
	if source.Kind != incident.Devices {
		return false, nil
	}
	clients, err := w.clients.Clients(ctx)
	if err != nil {
		return false, fmt.Errorf("list clients: %w", err)
	}
	of, _ := clients.Find(source.ClientID)
	return source.Label == of.DefaultLabel(), nil
}

// seen are the latest incident of a source, nil if there is none, and what was
// observed of it.
func (w *PhishingWatch) seen(ctx context.Context, r ports.IncidentReader, source incident.Source, at time.Time) (*incident.Incident, []incident.Observation, error) {
	latest, err := r.LatestOf(ctx, source)
	if err != nil && !errors.Is(err, incident.ErrUnknown) {
		return nil, nil, fmt.Errorf("find incident: %w", err)
	}
	seen, err := r.Seen(ctx, source, at.Add(-incident.Memory), incident.SeenAtMost)
	if err != nil {
		return nil, nil, fmt.Errorf("find observations: %w", err)
	}
	return latest, seen, nil
}

// Suspected reports whether an approval of d by a person, from origin, takes one
// more step, because a source of d is held. A person that is, and signed in, in the
// device's own network and one at home at the source are not concerned, nor of first
// connections one that has connected the device before, or in whose network people
// approve, or several people approved from elsewhere before.
// The held sources are those of [PhishingWatch.Held], from before the transaction.
func (w *PhishingWatch) Suspected(ctx context.Context, r ports.IncidentReader, tokens ports.TokenReader, held incident.Holds, d device.Snapshot, person identity.Subject, origin request.Origin, signedInFrom netip.Addr) (bool, error) {
	holding := w.among(held, d)
	if len(holding) == 0 || incident.WhereaboutsOf(d, origin, signedInFrom) == incident.Near {
		return false, nil
	}
	for _, i := range holding {
		if i.Snapshot().Source.Kind == incident.FirstTime {
			first, err := w.isFirstTime(ctx, r, tokens, d, person)
			if err != nil {
				return false, err
			}
			if !first {
				continue
			}
		}
		home, err := w.isAtHome(ctx, r, i, d, person)
		if err != nil || !home {
			return err == nil, err
		}
	}
	return false, nil
}

// Held are the sources that are held now.
func (w *PhishingWatch) Held(ctx context.Context) (incident.Holds, error) {
	held, err := w.holds.Holds(ctx)
	if err != nil {
		return held, fmt.Errorf("list held sources: %w", err)
	}
	return held, nil
}

func (w *PhishingWatch) holding(ctx context.Context, d device.Snapshot) ([]*incident.Incident, error) {
	held, err := w.Held(ctx)
	if err != nil {
		return nil, err
	}
	return w.among(held, d), nil
}

// among are the held sources of d.
func (w *PhishingWatch) among(held incident.Holds, d device.Snapshot) []*incident.Incident {
	if w.rules.IsExempt(incident.NetworkOf(d.RequestedFrom)) {
		return nil
	}
	return held.Holding(d, w.now())
}

// isAtHome reports whether a person is at home at the source of an incident or, of
// first connections, the network of d is familiar.
func (w *PhishingWatch) isAtHome(ctx context.Context, r ports.IncidentReader, i *incident.Incident, d device.Snapshot, person identity.Subject) (bool, error) {
	source, at := i.Snapshot().Source, w.now()
	latest, seen, err := w.seen(ctx, r, source, at)
	if err != nil {
		return false, err
	}
	past := incident.PastOf(latest)
	familiar := source.Kind == incident.FirstTime && w.rules.IsFamiliar(incident.NetworkOf(d.RequestedFrom), seen, past, at)
	return familiar || w.rules.IsAtHome(person, seen, past, at), nil
}

// mayRedeem reports whether an approved authorization may be redeemed now.
func (w *PhishingWatch) mayRedeem(ctx context.Context, d device.Snapshot) (may bool, err error) {
	holding, err := w.holding(ctx, d)
	if err != nil || len(holding) == 0 {
		return err == nil, err
	}
	err = w.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		observed, err := r.Incidents().SeenOf(ctx, d.ID)
		if err != nil {
			return fmt.Errorf("find observations: %w", err)
		}
		if slices.ContainsFunc(observed, func(o incident.Observation) bool { return o.What == incident.Approved && o.Where == incident.Near }) {
			may = true
			return nil
		}
		for _, i := range holding {
			if w.rules.MayRedeem(i, d, false, w.now()) {
				continue
			}
			latest, seen, err := w.seen(ctx, r.Incidents(), i.Snapshot().Source, w.now())
			if err != nil {
				return err
			}
			if !w.rules.IsAtHome(d.Subject, seen, incident.PastOf(latest), w.now()) &&
				!w.rules.MayRedeem(i, d, incident.HasPeopleNear(seen), w.now()) {
				return nil
			}
		}
		may = true
		return nil
	})
	return may, err
}
