package doctor

import (
	"context"

	"github.com/devicegate/devicegate/adapters/mail"
	"github.com/devicegate/devicegate/adapters/otlplog"
	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/adapters/webhook"
)

// These checks ask the mail server, the receivers of audit events and the
// collector. They send no mail, no event and no span.

func (x *examination) mail(ctx context.Context) {
	if x.Mail.IsZero() {
		return
	}
	x.receiver(ctx, "mail", func(ctx context.Context) (string, error) {
		mailer, err := mail.New(x.Mail)
		if err != nil {
			return "", err
		}
		return "the server takes mail from us", mailer.Check(ctx)
	}, "check SMTP_URL, its certificate and credentials; mails wait for a day (docs/operators.md)")
}

func (x *examination) webhook(ctx context.Context) {
	if x.AuditWebhook.IsZero() {
		return
	}
	x.receiver(ctx, "audit webhook", func(ctx context.Context) (string, error) {
		sink, err := webhook.New(x.AuditWebhook, x.Clock)
		if err != nil {
			return "", err
		}
		return "something answers at the address", sink.Check(ctx)
	}, "check AUDIT_WEBHOOK_URL; events are kept and delivered later (docs/audit.md)")
}

func (x *examination) syslog(ctx context.Context) {
	if x.AuditSyslog.IsZero() {
		return
	}
	x.receiver(ctx, "audit syslog", func(ctx context.Context) (string, error) {
		sink, err := syslog.New(x.AuditSyslog)
		if err != nil {
			return "", err
		}
		return "the server can be connected to", sink.Check(ctx)
	}, "check AUDIT_SYSLOG_URL and the server's certificate; events are kept and delivered later (docs/audit.md)")
}

func (x *examination) traces(ctx context.Context) {
	if x.Tracing.Endpoint == nil {
		return
	}
	x.receiver(ctx, "traces", func(ctx context.Context) (string, error) {
		return "the collector takes spans", tracing.Check(ctx, x.Tracing)
	}, "check OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_HEADERS; until then spans are lost, and no request is (docs/traces.md)")
}

func (x *examination) logRecords(ctx context.Context) {
	if x.AuditOTLP.IsZero() {
		return
	}
	x.receiver(ctx, "audit collector", func(ctx context.Context) (string, error) {
		return "the collector takes log records", otlplog.New(x.AuditOTLP).Check(ctx)
	}, "check OTEL_EXPORTER_OTLP_LOGS_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS; events are kept and delivered later (docs/audit.md)")
}

func (x *examination) receiver(ctx context.Context, check string, ask func(context.Context) (found string, err error), do string) {
	if x.Offline {
		x.skip(check, "not asked", "leave out --offline")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*askTime)
	defer cancel()
	found, err := ask(ctx)
	if err != nil {
		x.fail(check, err.Error(), do)
		return
	}
	x.ok(check, found)
}
