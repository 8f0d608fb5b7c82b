package bootstrap

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/ports/porttest"
)

// TestMetricsTellOfALogin starts the service, begins a login, and reads what
// /metrics says of it.
func TestMetricsTellOfALogin(t *testing.T) {
	ops, public := freeAddress(t), freeAddress(t)
	c, err := Load(smallest("PUBLIC_URL", "http://"+public, "LISTEN_ADDR", public, "OPS_ADDR", ops, "DATA_DIR", t.TempDir(), "WITH_WORKER", "on",
		"AUDIT_SYSLOG_URL", "udp://127.0.0.1:9"))
	if err != nil {
		t.Fatal(err)
	}
	app := fx.New(Service(c, slog.New(slog.DiscardHandler)))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = app.Stop(ctx)
	})
	resp, err := http.PostForm("http://"+public+"/openapi/v1/oauth/device/code", url.Values{"client_id": {"difyctl"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	var text string
	porttest.Eventually(t, "a run of a job", func() bool {
		text = read(t, "http://"+ops+"/metrics")
		return strings.Contains(text, "devicegate_job_duration_seconds_count{") && strings.Contains(text, "devicegate_audit_delivery_lag_seconds{")
	})
	for _, want := range []string{
		`devicegate_http_request_duration_seconds_count{method="POST",mount="canonical",route="/openapi/v1/oauth/device/code",status="200"} 1`,
		`devicegate_events_total{connection="",event="oauth.device_flow_started",mount="",reason=""} 1`,
		`devicegate_store_duration_seconds_count{operation="add",result="ok"} 1`,
		`devicegate_database_connections_max `, `devicegate_database_connections{state="idle"} `,
		`devicegate_database_connection_waits_total `, `devicegate_database_connection_wait_seconds_total `,
		"devicegate_clients_current 1", "devicegate_connections_current 1",
		`devicegate_audit_delivery_lag_seconds{sink="syslog"} 0`, `devicegate_audit_events_refused{sink="syslog",state="dead"} 0`,
		"devicegate_scheduler_elected 1", `devicegate_jobs{kind="sweep_expired",state="`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("got no metric %s in\n%s", want, text)
		}
	}
	reference, err := os.ReadFile("../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, served := range regexp.MustCompile(`(?m)^# TYPE (devicegate_\S+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(reference), "`"+served[1]+"`") {
			t.Errorf("got the metric %s, want only those of docs/reference/metrics.md", served[1])
		}
	}
}

func read(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRoutesBelongToMounts(t *testing.T) {
	for route, want := range map[string]string{
		"/openapi/v1/oauth/device/code": "canonical", "/v1/device/sso-complete": "legacy", "/oauth2/token": "standard",
		"/.well-known/oauth-authorization-server": "standard", "/device": "pages", "/device/*": "pages", "/saml/metadata": "saml",
		"/admin/v1/tokens": "admin", "/healthz": "other", "": "other", "/*": "other",
	} {
		if got := mountOf(route); got != want {
			t.Errorf("%s: got %s, want %s", route, got, want)
		}
	}
}
