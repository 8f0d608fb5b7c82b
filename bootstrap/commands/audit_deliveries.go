package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

type auditDeliveries struct {
	Acting
	Dead *string `placeholder:"SINK" help:"List the events that this sink never took: webhook, syslog or otlp."`
}

// sinkState is how a sink is; what does not apply is left out.
type sinkState struct {
	Sink         audit.Sink `json:"sink"`
	DeliveredTo  *time.Time `json:"delivered_up_to,omitempty"`
	NextEvent    string     `json:"next_event,omitempty"`
	NextEventAt  *time.Time `json:"next_event_time,omitempty"`
	DeliveredAt  *time.Time `json:"last_success,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	Failures     int        `json:"failures,omitempty"`
	NextAttempt  *time.Time `json:"next_attempt,omitempty"`
	LastError    string     `json:"last_error,omitempty"`
	Parked       int        `json:"parked"` // refused and tried again; not what comes from next_event on
	Dead         int        `json:"dead"`
}

type deadEvent struct {
	Event    string    `json:"event"`
	Time     time.Time `json:"time"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
}

// Run prints a list.
func (c auditDeliveries) Run(ctx context.Context, out io.Writer) error {
	var dead audit.Sink
	if c.Dead != nil {
		var err error
		if dead, err = audit.ParseSink(*c.Dead); err != nil {
			return fmt.Errorf("--dead %q: %w", *c.Dead, err)
		}
	}
	var list *application.ListDeliveries
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		if dead != "" {
			dead, err := list.Dead(ctx, dead)
			if err != nil {
				return err
			}
			shown := make([]deadEvent, len(dead))
			for i, p := range dead {
				shown[i] = deadEvent{p.Event.ID.String(), p.Event.At, p.Attempts, p.LastError}
			}
			return printJSON(out, shown)
		}
		states, err := list.Execute(ctx)
		if err != nil {
			return err
		}
		shown := make([]sinkState, len(states))
		for i, s := range states {
			shown[i] = sinkState{
				Sink: s.Sink, DeliveredTo: known(s.After.At), NextEventAt: known(s.Next.At), DeliveredAt: known(s.DeliveredAt),
				FailingSince: known(s.FailingSince), Failures: s.Failures, NextAttempt: known(s.NextAt), LastError: s.LastError, Parked: s.Waiting, Dead: s.Dead,
			}
			if !s.Next.ID.IsZero() {
				shown[i].NextEvent = s.Next.ID.String()
			}
		}
		return printJSON(out, shown)
	}, &list)
}

// known is nil for the zero time.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

type replayAudit struct {
	Acting
	Sink string  `required:"" help:"webhook, syslog or otlp."`
	From *string `placeholder:"TIME-OR-EVENT" help:"Everything from this time on (2026-11-28T15:04:05Z, or 2026-11-28, UTC), or from this event on."`
	Dead bool    `help:"The events that the sink never took."`
}

// Run says what will be delivered.
func (c replayAudit) Run(ctx context.Context, out io.Writer) error {
	sink, err := audit.ParseSink(c.Sink)
	if err != nil {
		return fmt.Errorf("--sink %q: %w", c.Sink, err)
	}
	wanted := application.Replay{Sink: sink, Dead: c.Dead}
	if c.From != nil {
		if wanted.Event, err = uid.Parse(*c.From); err != nil || wanted.Event.IsZero() {
			wanted.Event = uid.ID{}
			if wanted.Since, err = time.Parse(time.DateOnly, *c.From); err != nil {
				if wanted.Since, err = time.Parse(time.RFC3339Nano, *c.From); err != nil {
					return errors.New("--from: write a time as 2026-11-28T15:04:05Z, a day as 2026-11-28 (UTC), or the id of an event")
				}
			}
		}
	}
	var replay *application.ReplayAudit
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		revived, err := replay.Execute(ctx, wanted, by, request.Origin{})
		if err != nil {
			return err
		}
		if c.From != nil {
			_, err = fmt.Fprintf(out, "%s: everything from %s on is delivered again.\n", c.Sink, *c.From)
		}
		if err == nil && c.Dead {
			_, err = fmt.Fprintf(out, "%s: %d events are tried again.\n", c.Sink, revived)
		}
		return err
	}, &replay)
}
