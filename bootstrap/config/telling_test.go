package config

import (
	"strings"
	"testing"
)

func TestInvalidReceiversOfEventsAreRefused(t *testing.T) {
	const secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for setting, vars := range map[string][]string{
		"AUDIT_WEBHOOK_SECRET":             {"AUDIT_WEBHOOK_URL", "https://audit.example"},
		"AUDIT_WEBHOOK_URL":                {"AUDIT_WEBHOOK_URL", "https://10.0.0.1/", "AUDIT_WEBHOOK_SECRET", secret},
		"AUDIT_SYSLOG_URL":                 {"AUDIT_SYSLOG_URL", "https://logs.example"},
		"AUDIT_RETENTION_DAYS":             {"AUDIT_RETENTION_DAYS", "36501"},
		"OTEL_LOGS_EXPORTER":               {"OTEL_LOGS_EXPORTER", "otlp"},
		"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": {"OTEL_LOGS_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "collector"},
		"MAIL_FROM":                        {"SMTP_URL", "smtp://mail.example"},
		"SMTP_URL":                         {"SMTP_URL", "http://mail.example", "MAIL_FROM", "a@b.example"},
	} {
		if _, err := Load(smallest(vars...)); err == nil || !strings.Contains(err.Error(), setting+": ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%v: got %v, want %s named, and no secret", vars, err, setting)
		}
	}
	grpc := smallest("OTEL_LOGS_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	if _, err := Load(grpc); err == nil || !strings.Contains(err.Error(), "HTTP only") {
		t.Errorf("got %v, want gRPC refused for log records", err)
	}
	c, err := Load(smallest("OTEL_LOGS_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base", "AUDIT_SYSLOG_URL", "tls://logs.example",
		"AUDIT_WEBHOOK_URL", "http://10.0.0.1/", "AUDIT_WEBHOOK_SECRET", secret, "AUDIT_WEBHOOK_PRIVATE", "true", "SMTP_URL", "smtps://mail.example", "MAIL_FROM", "a@b.example"))
	if err != nil || c.AuditOTLP.Endpoint.String() != "http://collector:4318/base/v1/logs" || c.AuditWebhook.IsZero() || c.AuditSyslog.IsZero() || c.Mail.IsZero() {
		t.Errorf("got %v, %v, want all of them", c.AuditOTLP.Endpoint, err)
	}
	off, err := Load(smallest())
	if err != nil || !off.AuditOTLP.IsZero() || !off.AuditWebhook.IsZero() || !off.AuditSyslog.IsZero() || !off.Mail.IsZero() || off.AuditRetention != 0 {
		t.Errorf("got %v, want none of them by default", err)
	}
}
