package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/ports"
)

const (
	// pollInterval is how long a job may wait before a worker sees it.
	pollInterval = 5 * time.Second
	// atOnce bounds the jobs that one worker runs at the same time.
	atOnce = 2
	// jobTime is how long a job may take. What a sweep has done by then is done.
	jobTime = 10 * time.Minute
	// stopTime is how long a stop waits for jobs before it cancels them.
	stopTime = 5 * time.Second
	// attempts of a periodic job: River's pauses grow, and the next one comes anyway.
	attempts = 5
)

// The schedule.
const (
	sweepExpiredEvery = 10 * time.Minute
	sweepTokensEvery  = time.Hour
	sealEvery         = time.Hour
	metadataEvery     = 5 * time.Minute // that is due; see domain/connection
)

// Worker runs jobs and, if it is elected, enqueues the periodic ones.
type Worker struct{ client *river.Client[*sql.Tx] }

// Option changes how a [Worker] works.
type Option func(*river.Config)

// PollEvery sets how long a job may wait before a worker sees it.
func PollEvery(d time.Duration) Option {
	return func(c *river.Config) { c.FetchPollInterval = d }
}

// WithoutSchedule runs jobs and is never elected: another process keeps the
// schedule.
func WithoutSchedule() Option {
	return func(c *river.Config) { c.LeaderElectionDisabled, c.PeriodicJobs = true, nil }
}

// ScheduleOnly keeps the schedule if elected, and runs no job. River elects only
// clients that have a queue: this one has a queue of its own, which stays empty.
func ScheduleOnly() Option {
	return func(c *river.Config) { c.Queues = map[string]river.QueueConfig{"schedulers": {MaxWorkers: 1}} }
}

// Observe is told of each run of a job.
func Observe(observe func(kind string, took time.Duration, err error)) Option {
	return func(c *river.Config) {
		c.Middleware = append(c.Middleware, river.WorkerMiddlewareFunc(func(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
			began := time.Now()
			err := work(ctx)
			observe(job.Kind, time.Since(began), err)
			return err
		}))
	}
}

// Tasks are the use cases that jobs run.
type Tasks struct {
	SweepExpired    *application.SweepExpired
	SweepTokens     *application.SweepTokens
	RefreshMetadata *application.RefreshMetadata
	SealAudit       *application.SealAudit
	SendNotice      *application.SendNotice // nil: mail is off, and what was ordered waits
	DeliverAudit    *application.DeliverAudit
	SweepAudit      *application.SweepAudit // nil: events are kept for ever
}

// NewWorker makes the worker of a database. The database need not answer yet.
func NewWorker(db Database, tasks Tasks, log *slog.Logger, options ...Option) (*Worker, error) {
	workers := river.NewWorkers()
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: atOnce}}
	river.AddWorker(workers, &sweepWorker[sweepExpired]{run: tasks.SweepExpired.Execute, log: log})
	river.AddWorker(workers, &sweepWorker[sweepTokens]{run: tasks.SweepTokens.Execute, log: log})
	river.AddWorker(workers, &sealAuditWorker{run: tasks.SealAudit.Execute, log: log})
	river.AddWorker(workers, &sweepWorker[refreshMetadata]{run: tasks.RefreshMetadata.ExecuteDue, did: "metadata of identity providers refreshed", log: log})
	if tasks.SendNotice != nil {
		river.AddWorker(workers, &sendNoticeWorker{run: tasks.SendNotice.Execute})
		queues[noticeQueue] = river.QueueConfig{MaxWorkers: atOnce}
	}
	periodic := []*river.PeriodicJob{
		every(sweepExpiredEvery, sweepExpired{}), every(sweepTokensEvery, sweepTokens{}),
		every(metadataEvery, refreshMetadata{}), every(sealEvery, sealAudit{}),
	}
	if tasks.SweepAudit != nil {
		river.AddWorker(workers, &sweepWorker[sweepAudit]{run: tasks.SweepAudit.Execute, log: log})
		periodic = append(periodic, every(sealEvery, sweepAudit{}))
	}
	if tasks.DeliverAudit != nil && len(tasks.DeliverAudit.Sinks()) > 0 {
		river.AddWorker(workers, &deliverAuditWorker{run: tasks.DeliverAudit.Execute, log: log})
		queues[deliveryQueue] = river.QueueConfig{MaxWorkers: len(tasks.DeliverAudit.Sinks())}
		periodic = append(periodic, deliveries(tasks.DeliverAudit.Sinks())...)
	}
	cfg := &river.Config{
		Workers:           workers,
		Queues:            queues,
		PeriodicJobs:      periodic,
		PollOnly:          true,
		FetchPollInterval: pollInterval,
		JobTimeout:        jobTime,
		SoftStopTimeout:   stopTime,
		ErrorHandler:      errorHandler{log},
		Logger:            slog.New(riverLog{log.Handler()}),
		Middleware:        []rivertype.Middleware{traced(db.Tracer)},
	}
	for _, o := range options {
		o(cfg)
	}
	client, err := river.NewClient(db.driver(), cfg)
	if err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	return &Worker{client}, nil
}

// Start begins to work. ctx bounds the start only.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	return nil
}

// Stop takes no more jobs and waits for those that run, at first without and
// then with cancelling them. A cancelled job is tried again.
func (w *Worker) Stop(ctx context.Context) error {
	if err := w.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop worker: %w", err)
	}
	return nil
}

// every enqueues a job once in each period, also if the leader changes, and when
// the first leader begins.
func every(period time.Duration, job river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(period), func() (river.JobArgs, *river.InsertOpts) {
		return job, &river.InsertOpts{MaxAttempts: attempts, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: period}}
	}, &river.PeriodicJobOpts{ID: job.Kind(), RunOnStart: true})
}

type sweepExpired struct {
	Key string `json:"key"`
}

// Kind implements [river.JobArgs].
func (sweepExpired) Kind() string { return string(ports.SweepExpired) }

type sweepTokens struct {
	Key string `json:"key"`
}

// Kind implements [river.JobArgs].
func (sweepTokens) Kind() string { return string(ports.SweepTokens) }

type refreshMetadata struct {
	Key string `json:"key"`
}

// Kind implements [river.JobArgs].
func (refreshMetadata) Kind() string { return string(ports.RefreshMetadata) }

// sweepWorker runs a sweep over rows, and logs how many it changed.
type sweepWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	run func(ctx context.Context) (rows int, err error)
	did string // for the log; empty: swept
	log *slog.Logger
}

// Work implements [river.Worker].
func (s *sweepWorker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	rows, err := s.run(ctx)
	if rows > 0 {
		s.log.InfoContext(ctx, cmp.Or(s.did, "swept"), "job", job.Kind, "job_id", job.ID, "rows", rows)
	}
	return err
}

// errorHandler logs jobs that fail. River tries them again.
type errorHandler struct{ log *slog.Logger }

// HandleError implements [river.ErrorHandler].
func (h errorHandler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "a job failed", "job", job.Kind, "job_id", job.ID, "attempt", job.Attempt, "attempts", job.MaxAttempts, "error", err)
	return nil
}

// HandlePanic implements [river.ErrorHandler].
func (h errorHandler) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "a job panicked", "job", job.Kind, "job_id", job.ID, "attempt", job.Attempt, "attempts", job.MaxAttempts, "panic", fmt.Sprint(value), "stack", trace)
	return nil
}
