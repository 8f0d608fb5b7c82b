package database_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/tracing"
)

func TestStatementsAreSummarised(t *testing.T) {
	for statement, want := range map[string]string{
		`SELECT "id" FROM "oauth_access_tokens" WHERE token_hash = 'x'`:                         "SELECT oauth_access_tokens",
		"WITH written AS (INSERT INTO audit_events (a) VALUES ($1) RETURNING 1) INSERT INTO x ": "INSERT audit_events",
		"/* keep */ UPDATE device_authorizations SET a = ? WHERE id = ?":                        "UPDATE device_authorizations",
		"DELETE FROM approval_grants WHERE id IN (SELECT id FROM approval_grants)":              "DELETE approval_grants",
		"begin":                        "BEGIN ",
		"/* keep */ BEGIN immediate":   "BEGIN ",
		"/* keep */ SAVEPOINT member":  "SAVEPOINT ",
		"/* keep */ RELEASE member":    "RELEASE ",
		"SELECT 'from secret_word'":    "SELECT ",
		"SELECT * FROM secret_table":   "SELECT ",
		"PRAGMA journal_mode":          "OTHER ",
		"":                             "OTHER ",
		"INSERT INTO river_job (args)": "INSERT river_job",
	} {
		operation, table := database.Summary(statement)
		if got := operation + " " + table; got != want {
			t.Errorf("%s: got %q, want %q", statement, got, want)
		}
	}
}

func TestSpansOfStatementsHoldNoValue(t *testing.T) {
	for _, engine := range databasetest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			spans := tracetest.NewInMemoryExporter()
			p, err := tracing.Open(tracing.Config{Exporter: spans}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			db, err := database.Open(database.Config{URL: engine.URL(t), Tracer: p.Tracer()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if err := database.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if got := spans.GetSpans(); len(got) != 0 {
				t.Errorf("got %d spans outside of a trace, want none", len(got))
			}
			ctx, root := p.Tracer().Begin(t.Context(), "request", trace.SpanKindServer, propagation.MapCarrier{})
			_, _ = db.NewRaw("SELECT id FROM devicegate_clients WHERE id = ?", "s3cret").Exec(ctx)
			if _, err := db.NewRaw("INSERT INTO devicegate_clients (s3cret) VALUES (?)", "s3cret").Exec(ctx); err == nil {
				t.Error("got no error, want one of the column that there is not")
			}
			root.End()
			got := spans.GetSpans()
			var names []string
			for _, s := range got {
				names = append(names, s.Name)
			}
			if joined := strings.Join(names, ", "); joined != "SELECT devicegate_clients, INSERT devicegate_clients, request" {
				t.Errorf("got %s, want the two statements and the request", joined)
			}
			if text, _ := json.Marshal(got); strings.Contains(string(text), "s3cret") {
				t.Errorf("got %s, want no value and no text of an error", text)
			}
		})
	}
}
