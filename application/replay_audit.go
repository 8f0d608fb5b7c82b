package application

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ReplayAudit has events delivered to a sink once more.
type ReplayAudit struct {
	store ports.Store
	now   ports.Clock
}

// NewReplayAudit makes the use case.
func NewReplayAudit(store ports.Store, now ports.Clock) *ReplayAudit {
	return &ReplayAudit{store, now}
}

// Replay says what is delivered again.
type Replay struct {
	Sink  audit.Sink
	Since time.Time // all events from this time on; zero: none
	Event uid.ID    // all events from this one on; zero: see Since
	Dead  bool      // what the sink never took
}

// ErrNoReplay refuses a replay of nothing, or of events to come.
var ErrNoReplay = fault.New(fault.Unprocessable, "invalid_replay",
	"Say what is delivered again: events from a time or an event in the past on, or those that the sink never took.")

// Execute returns how many dead events are tried again. It returns
// [audit.ErrUnknownSink], [audit.ErrUnknown] and [ErrNoReplay].
func (uc *ReplayAudit) Execute(ctx context.Context, r Replay, by audit.Actor, origin request.Origin) (revived int, err error) {
	at := uc.now()
	if r.Since.IsZero() && r.Event.IsZero() && !r.Dead || r.Since.After(at) {
		return 0, ErrNoReplay
	}
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		all, err := tx.AuditDeliveries().All(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(p audit.Progress) bool { return p.Sink == r.Sink }) {
			return audit.ErrUnknownSink
		}
		done := audit.New(audit.Replayed, by, at, origin)
		done.Detail = string(r.Sink)
		if !r.Event.IsZero() {
			first, err := tx.Audit().Find(ctx, r.Event)
			if err != nil {
				return err
			}
			r.Since = first.At
		}
		if !r.Since.IsZero() {
			p, err := tx.AuditDeliveries().Lock(ctx, r.Sink)
			if err != nil {
				return err
			}
			p.Rewind(audit.Position{At: r.Since.Add(-time.Nanosecond)}) // the event itself is delivered, too
			if err := tx.AuditDeliveries().Save(ctx, p); err != nil {
				return err
			}
			done.Detail += " from " + r.Since.UTC().Format("2006-01-02T15:04:05.000000Z")
		}
		if r.Dead {
			dead, err := tx.AuditDeliveries().Dead(ctx, r.Sink, deadLettersShown)
			if err != nil {
				return err
			}
			for i := range dead {
				dead[i].Revive(at)
			}
			if err := tx.AuditDeliveries().Park(ctx, dead); err != nil {
				return err
			}
			revived = len(dead)
			done.Detail += fmt.Sprintf(" dead %d", revived)
		}
		return tx.Audit().Record(ctx, done)
	})
	if err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	return revived, nil
}
