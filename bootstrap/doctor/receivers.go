package doctor

import (
	"context"

	"github.com/devicegate/devicegate/adapters/mail"
	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/adapters/webhook"
)

// receivers asks the mail server and the receivers of audit events. It sends no
// mail and no event.
func (x *examination) receivers(ctx context.Context) {
	if !x.Mail.IsZero() {
		x.receiver(ctx, "mail", func(ctx context.Context) (string, error) {
			mailer, err := mail.New(x.Mail)
			if err != nil {
				return "", err
			}
			return "the server takes mail from us", mailer.Check(ctx)
		}, "check SMTP_URL, its certificate and credentials; mails wait for a day (docs/operators.md)")
	}
	if !x.AuditWebhook.IsZero() {
		x.receiver(ctx, "audit webhook", func(ctx context.Context) (string, error) {
			sink, err := webhook.New(x.AuditWebhook, x.Clock)
			if err != nil {
				return "", err
			}
			return "something answers at the address", sink.Check(ctx)
		}, "check AUDIT_WEBHOOK_URL; events are kept and delivered later (docs/audit.md)")
	}
	if !x.AuditSyslog.IsZero() {
		x.receiver(ctx, "audit syslog", func(ctx context.Context) (string, error) {
			sink, err := syslog.New(x.AuditSyslog)
			if err != nil {
				return "", err
			}
			return "the server can be connected to", sink.Check(ctx)
		}, "check AUDIT_SYSLOG_URL and the server's certificate; events are kept and delivered later (docs/audit.md)")
	}
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
