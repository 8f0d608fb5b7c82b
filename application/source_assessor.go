package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// sourceAssessor weighs the sources of an observation, and begins or extends the
// incidents of those that are suspected.
type sourceAssessor struct {
	store   ports.Store
	holds   ports.Holds
	history sourceHistory
	rules   incident.Rules
	count   CountSignal
	now     ports.Clock
}

// assess records each signal once for all sources of o.
func (a *sourceAssessor) assess(ctx context.Context, o watched) {
	recorded := map[incident.Signal]bool{}
	for _, source := range incident.SourcesOf(o.of) {
		if !source.Weighs(o.Observation) || source.Kind == incident.FirstTime && a.explains(ctx)(o.Observation) {
			continue
		}
		_ = a.assessSource(ctx, source, o, recorded)
	}
}

// explains reports whether a source that is held has an observation, other than by
// first connections, for which it does not count then.
func (a *sourceAssessor) explains(ctx context.Context) func(incident.Observation) bool {
	held, _ := a.holds.Holds(ctx) // else it counts for both
	at := a.now()
	return func(o incident.Observation) bool { return held.Explains(o, at) }
}

// assessSource records the signals that o brings and that are not recorded yet.
func (a *sourceAssessor) assessSource(ctx context.Context, source incident.Source, o watched, recorded map[incident.Signal]bool) error {
	at := a.now()
	weighed, err := a.weigh(ctx, source, o, at)
	if err != nil {
		return err
	}
	weighed.Signals = slices.DeleteFunc(weighed.Signals, func(s incident.Signal) bool { return recorded[s] })
	if !weighed.IsNews() {
		return nil
	}
	why := weighed.After
	err = a.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		for _, signal := range weighed.Signals {
			if err := tx.Audit().Record(ctx, o.Event(signal, o.by, o.of, "source: "+source.String()+"; "+why.String(), o.origin)); err != nil {
				return fmt.Errorf("record signal: %w", err)
			}
		}
		if !why.Suspected() {
			return nil
		}
		return a.hold(ctx, tx, source, why, o.Authorization, at)
	})
	if err != nil {
		return err
	}
	for _, signal := range weighed.Signals {
		recorded[signal] = true
		a.count(signal)
	}
	if why.Suspected() {
		a.holds.Refresh(ctx)
	}
	return nil
}

// weigh assesses a source without and with o.
func (a *sourceAssessor) weigh(ctx context.Context, source incident.Source, o watched, at time.Time) (incident.Weighed, error) {
	common, err := a.history.isCommon(ctx, source)
	if err != nil {
		return incident.Weighed{}, err
	}
	var past incident.Past
	var seen []incident.Observation
	err = a.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		past, seen, err = a.history.of(ctx, r.Incidents(), source, at)
		return err
	})
	if err != nil {
		return incident.Weighed{}, err
	}
	if source.Kind == incident.FirstTime {
		seen = slices.DeleteFunc(seen, a.explains(ctx))
	}
	return a.rules.Weigh(source, common, seen, o.ID, past, at), nil
}

// hold begins an incident, or extends the open one.
func (a *sourceAssessor) hold(ctx context.Context, tx ports.Tx, source incident.Source, why incident.Assessment, authorization uid.ID, at time.Time) error {
	err := a.extend(ctx, tx, source, why, at)
	if !errors.Is(err, incident.ErrUnknown) && !errors.Is(err, incident.ErrReleased) {
		return err
	}
	noticed, event := a.rules.Notice(source, why, authorization, at)
	err = tx.Incidents().Add(ctx, noticed, event)
	if errors.Is(err, incident.ErrOpen) { // another replica has noticed it meanwhile
		return a.extend(ctx, tx, source, why, at)
	}
	return err
}

// extend returns [incident.ErrUnknown] and [incident.ErrReleased].
func (a *sourceAssessor) extend(ctx context.Context, tx ports.Tx, source incident.Source, why incident.Assessment, at time.Time) error {
	latest, err := tx.Incidents().LatestOf(ctx, source)
	if err != nil {
		return fmt.Errorf("find incident: %w", err)
	}
	extended, err := a.rules.Extend(latest, why, at)
	if err != nil {
		return err
	}
	return tx.Incidents().Save(ctx, latest, extended)
}
