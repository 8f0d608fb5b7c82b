package config

import (
	"github.com/devicegate/devicegate/adapters/otlplog"
	"github.com/devicegate/devicegate/adapters/syslog"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/adapters/webhook"
	"github.com/devicegate/devicegate/domain/audit"
)

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
	c.loadAuditLogs(e, wrong)
	c.AuditRetention = audit.Retention(wrong.between("AUDIT_RETENTION_DAYS", e.AuditDays, 0, retentionMax))
}

// loadAuditLogs reads whether events go to a collector as log records.
func (c *Config) loadAuditLogs(e environment, wrong *problems) {
	if wrong.oneOf("OTEL_LOGS_EXPORTER", e.OTelLogsExporter, "otlp", "none") != "otlp" || e.OTelDisabled {
		return
	}
	c.AuditOTLP = otlplog.Config{
		Headers: wrong.pairs("OTEL_EXPORTER_OTLP_HEADERS", e.OTelHeaders), Resource: wrong.pairs("OTEL_RESOURCE_ATTRIBUTES", e.OTelResource),
		Service: e.OTelServiceName,
	}
	switch {
	case e.OTelLogsEndpoint != "":
		c.AuditOTLP.Endpoint = wrong.web("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", e.OTelLogsEndpoint)
	case e.OTelEndpoint == "":
		wrong.add("OTEL_LOGS_EXPORTER", "is otlp, but OTEL_EXPORTER_OTLP_ENDPOINT names no collector")
	case e.OTelProtocol == tracing.GRPC:
		wrong.add("OTEL_LOGS_EXPORTER", "log records are sent over HTTP only; set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT to the collector's HTTP address, for instance http://localhost:4318/v1/logs")
	default:
		if base := wrong.web("OTEL_EXPORTER_OTLP_ENDPOINT", e.OTelEndpoint); base != nil {
			c.AuditOTLP.Endpoint = base.JoinPath("v1", "logs")
		}
	}
}
