package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// delivery is one run of [DeliverAudit] for one sink.
type delivery struct {
	store    ports.Store
	sink     ports.AuditSink
	now      ports.Clock
	holder   uid.ID
	progress audit.Progress
	events   int
	parked   int
}

// next delivers the next events of the trail. It reports whether there may be more.
func (d *delivery) next(ctx context.Context) (more bool, err error) {
	events, err := eventsIn(ctx, d.store, ports.AuditFilter{After: d.progress.After, Until: audit.Settled(d.now()), Limit: deliveredAtOnce})
	if err != nil || len(events) == 0 {
		return false, err
	}
	b := newBatch(events)
	if err := d.hold(ctx, b); err != nil {
		return false, err
	}
	b.send(ctx, d.sink, d.progress.Probes())
	if ctx.Err() != nil { // what failed has failed with it
		return false, ctx.Err()
	}
	at := d.now()
	if b.down() {
		return false, d.save(ctx, func(_ ports.AuditDeliveries, p *audit.Progress) error {
			p.Failed(b.reason.Error(), laterOf(b.reason), at)
			return nil
		})
	}
	left := b.left(d.sink.Name(), at)
	last := events[len(events)-1].Position()
	d.events += b.taken
	d.parked += len(left)
	return true, d.save(ctx, func(kept ports.AuditDeliveries, p *audit.Progress) error {
		p.Succeeded(last, at)
		return kept.Park(ctx, left)
	})
}

// hold finds the streams of a batch that wait behind a parked event.
func (d *delivery) hold(ctx context.Context, b *batch) error {
	names := make([]string, len(b.streams))
	for i, s := range b.streams {
		names[i] = s.name
	}
	var held []string
	err := d.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		held, err = r.AuditDeliveries().Held(ctx, d.sink.Name(), names)
		return err
	})
	if err != nil {
		return fmt.Errorf("find what waits: %w", err)
	}
	for _, s := range b.streams {
		s.held = slices.Contains(held, s.name)
	}
	return nil
}

// retryParked tries the parked events that are due, for some time. It reports
// whether there may be more.
func (d *delivery) retryParked(ctx context.Context) (more bool, err error) {
	var due []audit.Parked
	found := map[uid.ID]audit.Event{}
	err = d.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		if due, err = r.AuditDeliveries().Due(ctx, d.sink.Name(), d.now(), deliveredAtOnce); err != nil {
			return err
		}
		for _, p := range due {
			e, err := r.Audit().Find(ctx, p.Event.ID)
			if errors.Is(err, audit.ErrUnknown) { // removed by retention
				continue
			}
			if err != nil {
				return err
			}
			found[e.ID] = e
		}
		return nil
	})
	if err != nil || len(due) == 0 {
		return false, err
	}
	var gone []uid.ID
	var failed []audit.Parked
	tried, until := 0, d.now().Add(parkedTime)
	for _, p := range due {
		if !d.now().Before(until) {
			break
		}
		tried++
		if e, is := found[p.Event.ID]; is {
			err := d.sink.Deliver(ctx, e)
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			if err != nil {
				p.Failed(err.Error(), d.now())
				failed = append(failed, p)
				continue
			}
			d.events++
		}
		gone = append(gone, p.Event.ID)
	}
	return len(gone) > 0 || tried < len(due) || len(due) == deliveredAtOnce, d.save(ctx, func(kept ports.AuditDeliveries, p *audit.Progress) error {
		p.Succeeded(p.After, d.now()) // also if all failed: these events were refused before
		return errors.Join(kept.Unpark(ctx, d.sink.Name(), gone), kept.Park(ctx, failed))
	})
}

// save keeps the progress. It returns [errLeaseLost] if the lease is another's.
func (d *delivery) save(ctx context.Context, fn func(ports.AuditDeliveries, *audit.Progress) error) error {
	return changeProgress(ctx, d.store, d.sink.Name(), func(kept ports.AuditDeliveries, p *audit.Progress) error {
		if p.Holder != d.holder {
			return errLeaseLost
		}
		if err := fn(kept, p); err != nil {
			return err
		}
		d.progress = *p
		return nil
	})
}

func laterOf(err error) time.Duration {
	var later *ports.Later
	if errors.As(err, &later) {
		return later.After
	}
	return 0
}

// batch is some events, by stream.
type batch struct {
	streams []*stream

	mu     sync.Mutex
	taken  int
	failed int
	reason error // of the first failure
}

// stream is the events of a batch whose order is kept.
type stream struct {
	name   string
	events []audit.Event
	done   int   // how many were taken
	err    error // of the one after
	held   bool  // an earlier event is parked
}

func newBatch(events []audit.Event) *batch {
	b := &batch{}
	byName := map[string]*stream{}
	for _, e := range events {
		name := audit.StreamOf(e)
		if byName[name] == nil {
			byName[name] = &stream{name: name}
			b.streams = append(b.streams, byName[name])
		}
		byName[name].events = append(byName[name].events, e)
	}
	return b
}

// send delivers the streams beside each other. It stops when as many as probes have
// failed and none has succeeded.
func (b *batch) send(ctx context.Context, to ports.AuditSink, probes int) {
	waiting := make(chan *stream)
	var senders sync.WaitGroup
	for range min(streamsAtOnce, len(b.streams)) {
		senders.Go(func() {
			for s := range waiting {
				b.sendStream(ctx, to, s)
			}
		})
	}
	for _, s := range b.streams {
		if b.hopeless(probes) || ctx.Err() != nil {
			break
		}
		if !s.held {
			waiting <- s
		}
	}
	close(waiting)
	senders.Wait()
}

func (b *batch) sendStream(ctx context.Context, to ports.AuditSink, s *stream) {
	for _, e := range s.events {
		err := to.Deliver(ctx, e)
		b.mu.Lock()
		if s.err = err; err != nil {
			if b.failed++; b.reason == nil {
				b.reason = err
			}
			b.mu.Unlock()
			return
		}
		s.done++
		b.taken++
		b.mu.Unlock()
	}
}

// hopeless reports whether enough streams have failed, and none has succeeded, to
// take the sink for down.
func (b *batch) hopeless(probes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken == 0 && b.failed >= probes
}

// down reports whether the sink took nothing that it was sent.
func (b *batch) down() bool { return b.taken == 0 && b.failed > 0 }

// left are the events that were not taken: of each stream the one that failed and
// those behind it.
func (b *batch) left(of audit.Sink, at time.Time) (all []audit.Parked) {
	for _, s := range b.streams {
		for i, e := range s.events[s.done:] {
			p := audit.Parked{Sink: of, Event: e.Position(), Stream: s.name, NextAt: at}
			if i == 0 && s.err != nil {
				p.Failed(s.err.Error(), at)
			}
			all = append(all, p)
		}
	}
	return all
}
