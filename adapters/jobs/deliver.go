package jobs

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

const (
	// deliveryQueue is apart: nothing waits for a sink that hangs.
	deliveryQueue = "audit"
	deliverEvery  = 15 * time.Second
	// deliveryTime is more than a run takes.
	deliveryTime = 3 * time.Minute
)

type deliverAudit struct {
	Key string `json:"key"` // the sink
}

// Kind implements [river.JobArgs].
func (deliverAudit) Kind() string { return string(ports.DeliverAudit) }

// deliverAuditWorker hands events to sinks, and logs when one begins to fail and
// when it takes events again. How it is meanwhile is kept with the progress, so
// that a receiver that is away for a day does not fail thousands of jobs.
type deliverAuditWorker struct {
	river.WorkerDefaults[deliverAudit]
	run func(ctx context.Context, to audit.Sink) (application.Delivered, error)
	log *slog.Logger
}

// Work implements [river.Worker].
func (d *deliverAuditWorker) Work(ctx context.Context, job *river.Job[deliverAudit]) error {
	done, err := d.run(ctx, audit.Sink(job.Args.Key))
	switch {
	case done.Before.Failures == 0 && done.After.Failures > 0:
		d.log.ErrorContext(ctx, "audit events cannot be delivered; they are kept, and tried again", "sink", job.Args.Key, "error", done.After.LastError)
	case done.Before.Failures > 0 && done.After.Failures == 0 && done.Events > 0:
		d.log.InfoContext(ctx, "audit events are delivered again", "sink", job.Args.Key, "failing_since", done.Before.FailingSince)
	}
	if done.Parked > 0 {
		d.log.WarnContext(ctx, "audit events were not taken, while others were; they are tried again", "sink", job.Args.Key, "events", done.Parked)
	}
	return err
}

// Timeout implements [river.Worker].
func (*deliverAuditWorker) Timeout(*river.Job[deliverAudit]) time.Duration { return deliveryTime }

// deliveries enqueues a run for each sink.
func deliveries(sinks []audit.Sink) (all []*river.PeriodicJob) {
	for _, sink := range sinks {
		all = append(all, river.NewPeriodicJob(river.PeriodicInterval(deliverEvery), func() (river.JobArgs, *river.InsertOpts) {
			return deliverAudit{string(sink)}, &river.InsertOpts{
				Queue: deliveryQueue, MaxAttempts: 1, // the next one comes anyway
				UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: deliverEvery},
			}
		}, &river.PeriodicJobOpts{ID: string(ports.DeliverAudit) + "_" + string(sink), RunOnStart: true}))
	}
	return all
}

type sweepAudit struct {
	Key string `json:"key"`
}

// Kind implements [river.JobArgs].
func (sweepAudit) Kind() string { return string(ports.SweepAudit) }
