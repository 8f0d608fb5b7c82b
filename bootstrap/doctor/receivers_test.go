package doctor

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const webhookSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func TestReceiversThatAnswerAndThatDoNot(t *testing.T) {
	var sent atomic.Bool
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			sent.Store(true)
		}
		w.WriteHeader(http.StatusMethodNotAllowed)
	}))
	defer answers.Close()
	moved := httptest.NewServer(http.RedirectHandler("http://elsewhere.example/", http.StatusFound))
	defer moved.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	_ = l.Close()
	// An OTLP collector, by path of the endpoint.
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 0 && string(body) != `{"resourceLogs":[]}` {
			sent.Store(true)
		}
		if strings.HasPrefix(r.URL.Path, "/locked/") && r.Header.Get("Api-Key") != "secret-key" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer collector.Close()
	for name, c := range map[string]struct {
		vars  map[string]string
		check string
		want  Status
		found string
	}{
		"webhook":           {map[string]string{"AUDIT_WEBHOOK_URL": answers.URL}, "audit webhook", OK, ""},
		"webhook moved":     {map[string]string{"AUDIT_WEBHOOK_URL": moved.URL}, "audit webhook", Fail, "redirects are not followed"},
		"webhook gone":      {map[string]string{"AUDIT_WEBHOOK_URL": "http://" + gone}, "audit webhook", Fail, "refused"},
		"syslog":            {map[string]string{"AUDIT_SYSLOG_URL": "tcp://" + answers.Listener.Addr().String()}, "audit syslog", OK, ""},
		"syslog gone":       {map[string]string{"AUDIT_SYSLOG_URL": "tls://" + gone}, "audit syslog", Fail, "refused"},
		"traces":            {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}, "traces", OK, "takes spans"},
		"traces and a key":  {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL + "/locked", "OTEL_EXPORTER_OTLP_HEADERS": "Api-Key=secret-key"}, "traces", OK, ""},
		"traces, wrong key": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL + "/locked", "OTEL_EXPORTER_OTLP_HEADERS": "Api-Key=secret"}, "traces", Fail, "401"},
		"traces gone":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + gone}, "traces", Fail, gone},
		"traces off":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + gone, "OTEL_TRACES_EXPORTER": "none"}, "redis", Skipped, ""},
		"logs":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_LOGS_EXPORTER": "otlp"}, "audit collector", OK, "takes log records"},
		"logs, no key":      {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL + "/locked", "OTEL_LOGS_EXPORTER": "otlp"}, "audit collector", Fail, "answered 401"},
		"logs gone":         {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + gone, "OTEL_LOGS_EXPORTER": "otlp"}, "audit collector", Fail, "refused"},
		"mail gone":         {map[string]string{"SMTP_URL": "smtp://u:secret@" + gone, "MAIL_FROM": "a@b.example"}, "mail", Fail, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.vars["AUDIT_WEBHOOK_URL"] != "" {
				c.vars["AUDIT_WEBHOOK_SECRET"], c.vars["AUDIT_WEBHOOK_PRIVATE"] = webhookSecret, "true"
			}
			all := Examine(t.Context(), load(t, c.vars), Options{Transport: answering(nil)})
			want(t, all, c.check, c.want, c.found)
			for _, r := range all {
				if strings.Contains(r.Found, "secret") {
					t.Errorf("got %s, want no password in it", r.Found)
				}
			}
		})
	}
	if sent.Load() {
		t.Error("got an event or a span, want none sent")
	}
}
