package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// DeliverAudit hands the events of the trail to sinks: each one at least once, and
// those of one person in order.
//
// The trail is the queue. A sink that takes nothing keeps its place in it. An event
// that a sink does not take, while it takes others, is parked: later events of the
// same stream wait behind it, all others go on.
type DeliverAudit struct {
	store ports.Store
	sinks ports.AuditSinks
	now   ports.Clock
}

// NewDeliverAudit makes the use case.
func NewDeliverAudit(store ports.Store, sinks ports.AuditSinks, now ports.Clock) *DeliverAudit {
	return &DeliverAudit{store, sinks, now}
}

const (
	// deliveredAtOnce bounds the events between two writes of the progress: as many
	// come once more after a crash.
	deliveredAtOnce = 100
	// streamsAtOnce bounds the events that a sink is sent at the same time.
	streamsAtOnce = 8
	// deliveryTime bounds a run. After it the worker's slot is free for other jobs.
	deliveryTime = time.Minute
	// parkedTime bounds the attempts to deliver parked events before what is new has
	// its turn: a receiver may let each of them run into its time limit.
	parkedTime = 20 * time.Second
)

// Delivered is what one run did.
type Delivered struct {
	Events int
	Before audit.Progress // as it was
	After  audit.Progress
	Parked int // events that the sink did not take now, while it took others
}

var errLeaseLost = errors.New("another worker delivers to the sink, or it was rewound")

// Execute delivers to one sink until nothing is due. It does nothing if another
// worker delivers to it, or if the pause has not ended that the sink asked for or
// that follows a failure. The failure of a sink is not an error of Execute: it is
// stored, and part of the answer.
func (uc *DeliverAudit) Execute(ctx context.Context, to audit.Sink) (Delivered, error) {
	for _, sink := range uc.sinks {
		if sink.Name() == to {
			return uc.deliver(ctx, sink)
		}
	}
	return Delivered{}, nil // its setting is gone; the progress stays
}

// Sinks are the names of the sinks that are configured.
func (uc *DeliverAudit) Sinks() (names []audit.Sink) {
	for _, sink := range uc.sinks {
		names = append(names, sink.Name())
	}
	return names
}

func (uc *DeliverAudit) deliver(ctx context.Context, sink ports.AuditSink) (out Delivered, err error) {
	d := &delivery{store: uc.store, sink: sink, now: uc.now, holder: uid.New(uc.now())}
	claimed := false
	err = uc.change(ctx, sink.Name(), func(_ ports.AuditDeliveries, p *audit.Progress) error {
		out.Before = *p
		claimed = p.Claim(d.holder, uc.now())
		d.progress = *p
		return nil
	})
	if err != nil || !claimed {
		return out, err
	}
	until := uc.now().Add(deliveryTime)
	for more := true; more && err == nil && uc.now().Before(until); {
		if more, err = d.next(ctx); err == nil && !more && d.progress.Failures == 0 {
			more, err = d.retryParked(ctx)
		}
	}
	out.Events, out.Parked, out.After = d.events, d.parked, d.progress
	released := uc.change(context.WithoutCancel(ctx), sink.Name(), func(_ ports.AuditDeliveries, p *audit.Progress) error {
		if p.Holder == d.holder {
			p.Release()
		}
		return nil
	})
	if errors.Is(err, errLeaseLost) {
		err = nil
	}
	return out, errors.Join(err, released)
}

// change changes the progress of a sink.
func (uc *DeliverAudit) change(ctx context.Context, of audit.Sink, fn func(ports.AuditDeliveries, *audit.Progress) error) error {
	return changeProgress(ctx, uc.store, of, fn)
}

func changeProgress(ctx context.Context, store ports.Store, of audit.Sink, fn func(ports.AuditDeliveries, *audit.Progress) error) error {
	err := store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		p, err := tx.AuditDeliveries().Lock(ctx, of)
		if err != nil {
			return err
		}
		if err := fn(tx.AuditDeliveries(), &p); err != nil {
			return err
		}
		return tx.AuditDeliveries().Save(ctx, p)
	})
	if err != nil {
		return fmt.Errorf("keep how deliveries to %s go: %w", of, err)
	}
	return nil
}
