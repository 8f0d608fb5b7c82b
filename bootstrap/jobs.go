package bootstrap

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/acsui"
	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/mail"
	"github.com/devicegate/devicegate/adapters/otlplog"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/adapters/webhook"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/ports"
)

// Worker is the background work in a process of its own, or a part of it. OPS_ADDR
// serves the metrics of the process.
func Worker(c Config, log *slog.Logger, parts ...jobs.Option) fx.Option {
	c, log, tracing := traced(c, log)
	c.Database.Beside = true
	return fx.Options(
		tracing,
		fx.NopLogger, // the command tells an error of the start, once
		fx.Supply(c, log, c.Database, c.Clock),
		stores(c), connectionsOf(c, false), clients(c), places(c),
		fx.Provide(newMetrics, newFailure, func() (*files.Keys, *files.Policy, *saml.Broker) { return nil, nil, nil }),
		fx.Provide(func() (*adminapi.Router, *acsui.StatusPage) { return nil, nil }), // they are served beside the API
		operationsTLS(c),
		fx.Invoke(serveOperations, warnOfSettings, measureStores, measureJobs, measureDeliveries, measureClients),
		background(c, parts...),
	)
}

// workerBeside adds the background work to the API tier where that is wanted.
// Requests end before it does.
func workerBeside(c Config) fx.Option {
	if !c.WithWorker {
		return fx.Options()
	}
	return background(c)
}

// background runs the jobs of the queue.
func background(c Config, parts ...jobs.Option) fx.Option {
	return fx.Options(
		fx.Supply(c.TokenRetention, parts),
		fx.Provide(application.NewSweepExpired, application.NewSweepTokens, application.NewSealAudit, sendNotice, auditSinks, application.NewDeliverAudit, sweepAudit),
		fx.Provide(newTasks, newWorker),
		fx.Invoke(func(lc fx.Lifecycle, w *jobs.Worker) {
			lc.Append(fx.Hook{OnStart: w.Start, OnStop: w.Stop})
		}),
	)
}

func newTasks(expired *application.SweepExpired, tokens *application.SweepTokens, metadata *application.RefreshMetadata, seal *application.SealAudit, send *application.SendNotice, deliver *application.DeliverAudit, sweep *application.SweepAudit) jobs.Tasks {
	return jobs.Tasks{
		SweepExpired: expired, SweepTokens: tokens, RefreshMetadata: metadata, SealAudit: seal, SendNotice: send,
		DeliverAudit: deliver, SweepAudit: sweep,
	}
}

// auditSinks are the receivers of events that are configured.
func auditSinks(c Config, lc fx.Lifecycle) (all ports.AuditSinks, err error) {
	if !c.AuditWebhook.IsZero() {
		sink, err := webhook.New(c.AuditWebhook, c.Clock)
		if err != nil {
			return nil, err
		}
		all = append(all, sink)
	}
	if !c.AuditSyslog.IsZero() {
		sink, err := syslog.New(c.AuditSyslog)
		if err != nil {
			return nil, err
		}
		lc.Append(fx.Hook{OnStop: func(context.Context) error { sink.Close(); return nil }})
		all = append(all, sink)
	}
	if !c.AuditOTLP.IsZero() {
		all = append(all, otlplog.New(c.AuditOTLP))
	}
	for i, sink := range all {
		all[i] = c.Database.Tracer.Sink(sink)
	}
	return all, nil
}

// sweepAudit is nil where events are kept for ever.
func sweepAudit(c Config, store ports.Store, sinks ports.AuditSinks) *application.SweepAudit {
	if c.AuditRetention == 0 {
		return nil
	}
	return application.NewSweepAudit(store, c.AuditRetention, sinks, c.Clock)
}

// sendNotice is nil where mail is off.
func sendNotice(c Config, store ports.Store, clients ports.Clients, places ports.Places) (*application.SendNotice, error) {
	if c.Mail.IsZero() {
		return nil, nil
	}
	mailer, err := mail.New(c.Mail)
	if err != nil {
		return nil, err
	}
	return application.NewSendNotice(store, clients, places, webui.NewNoticeWriter(c.Pages, c.PublicURL), c.Database.Tracer.Mailer(mailer)), nil
}

func newWorker(db jobs.Database, tasks jobs.Tasks, log *slog.Logger, m *jobMetrics, parts []jobs.Option) (*jobs.Worker, error) {
	return jobs.NewWorker(db, tasks, log, append(parts, jobs.Observe(m.observe))...)
}

// jobQueue lets the store enqueue jobs, for which the queue is in the store's
// database, and seal.
var jobQueue = fx.Provide(
	func(c Config) database.Sealer { return c.Sealer },
	func(p database.Pool, c Config) jobs.Database {
		return jobs.Database{DB: p.DB, Postgres: p.Postgres, Tracer: c.Database.Tracer}
	},
	fx.Annotate(jobs.NewQueue, fx.As(new(database.Queue)), fx.As(new(ports.JobQueue))),
)
