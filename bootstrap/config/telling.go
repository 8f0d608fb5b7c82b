package config

import (
	"github.com/devicegate/devicegate/adapters/mail"
	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/adapters/webhook"
	"github.com/devicegate/devicegate/domain/audit"
)

// loadMail reads how people are told of their devices.
func (c *Config) loadMail(e environment, wrong *problems) {
	c.Mail = mail.Config{URL: e.SMTPURL, From: e.MailFrom}
	wrong.named(names{"URL": "SMTP_URL", "From": "MAIL_FROM"}, c.Mail.Check())
}

// retentionMax is a hundred years.
const retentionMax = 36500

// loadAudit reads where audit events go, and how long they are kept.
func (c *Config) loadAudit(e environment, wrong *problems) {
	c.AuditWebhook = webhook.Config{URL: e.AuditWebhookURL, Secrets: e.AuditWebhookKeys, Private: e.AuditPrivate}
	wrong.named(names{"URL": "AUDIT_WEBHOOK_URL", "Secrets": "AUDIT_WEBHOOK_SECRET"}, c.AuditWebhook.Check())
	c.AuditSyslog = syslog.Config{URL: e.AuditSyslogURL}
	if c.PublicURL != nil {
		c.AuditSyslog.Host = c.PublicURL.Hostname()
	}
	wrong.named(names{"URL": "AUDIT_SYSLOG_URL"}, c.AuditSyslog.Check())
	c.AuditRetention = audit.Retention(wrong.between("AUDIT_RETENTION_DAYS", e.AuditDays, 0, retentionMax))
}
