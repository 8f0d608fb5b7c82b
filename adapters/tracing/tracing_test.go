package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/tracing"
)

func open(t *testing.T, change ...func(*tracing.Config)) (*tracing.Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	cfg := tracing.Config{Exporter: spans, Service: "devicegate"}
	for _, c := range change {
		c(&cfg)
	}
	p, err := tracing.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	return p.Tracer(), spans
}

// parent is what a sender says of its trace.
const parentTrace, parentHeader = "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func serve(tracer *tracing.Tracer, trusted bool, request *http.Request, answer http.HandlerFunc) {
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return tracer.Middleware(next, func(*http.Request) bool { return trusted })
	})
	r.Route("/openapi/v1", func(r chi.Router) { r.HandleFunc("/tokens/{id}", answer) })
	r.ServeHTTP(httptest.NewRecorder(), request)
}

func TestRequestsAreNamedByTheirRoutes(t *testing.T) {
	tracer, spans := open(t)
	request := httptest.NewRequest(http.MethodPost, "/openapi/v1/tokens/s3cret?ticket=s3cret", strings.NewReader("s3cret"))
	request.Header.Set("Authorization", "Bearer s3cret")
	serve(tracer, false, request, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "0123456789")
		w.WriteHeader(http.StatusBadGateway)
	})
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "POST /openapi/v1/tokens/{id}" || got[0].SpanKind != trace.SpanKindServer || got[0].Status.Description != "" {
		t.Fatalf("got %v, want one span of the route", got)
	}
	attributes := map[string]string{}
	for _, a := range got[0].Attributes {
		attributes[string(a.Key)] = a.Value.String()
	}
	for key, want := range map[string]string{
		"http.request.method": "POST", "http.route": "/openapi/v1/tokens/{id}", "http.response.status_code": "502",
		"error.type": "502", "devicegate.request_id": "0123456789",
	} {
		if attributes[key] != want {
			t.Errorf("%s: got %q, want %q", key, attributes[key], want)
		}
	}
	if text, _ := json.Marshal(got); strings.Contains(string(text), "s3cret") {
		t.Errorf("got %s, want nothing of the request but its route", text)
	}
}

func TestOnlyATrustedProxyContinuesItsTrace(t *testing.T) {
	for name, trusted := range map[string]bool{"a trusted proxy": true, "another sender": false} {
		t.Run(name, func(t *testing.T) {
			tracer, spans := open(t)
			request := httptest.NewRequest(http.MethodGet, "/openapi/v1/tokens/1", nil)
			request.Header.Set("Traceparent", parentHeader)
			request.Header.Set("Baggage", "s3cret=1")
			serve(tracer, trusted, request, func(_ http.ResponseWriter, r *http.Request) {
				out := http.Header{}
				tracer.Inject(r.Context(), out)
				if len(out) != 1 || out.Get("Traceparent") == "" {
					t.Errorf("sent on: got %v, want the traceparent alone", out)
				}
			})
			got := spans.GetSpans()[0]
			if continued := got.SpanContext.TraceID().String() == parentTrace; continued != trusted {
				t.Errorf("continues the sender's trace: got %t, want %t", continued, trusted)
			}
			if linked := len(got.Links) == 1 && got.Links[0].SpanContext.TraceID().String() == parentTrace; linked == trusted {
				t.Errorf("links to the sender's trace: got %t, want %t", linked, !trusted)
			}
		})
	}
}

func TestNoSenderDecidesWhatIsSampled(t *testing.T) {
	tracer, spans := open(t, func(c *tracing.Config) { c.Sampler, c.SampleArg = "parentbased_traceidratio", 0 })
	for _, trusted := range []bool{false, true} {
		request := httptest.NewRequest(http.MethodGet, "/openapi/v1/tokens/1", nil)
		request.Header.Set("Traceparent", parentHeader) // sampled
		serve(tracer, trusted, request, func(http.ResponseWriter, *http.Request) {})
	}
	if got := spans.GetSpans(); len(got) != 1 || got[0].SpanContext.TraceID().String() != parentTrace {
		t.Errorf("got %d spans, want that of the trusted proxy", len(got))
	}
}

func TestInvalidTraceparentsBeginATrace(t *testing.T) {
	for _, header := range []string{"", "00", "00-xyz-b7ad6b7169203331-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01", strings.Repeat("0", 10_000), "ff-" + parentHeader[3:]} {
		tracer, spans := open(t)
		request := httptest.NewRequest(http.MethodGet, "/openapi/v1/tokens/1", nil)
		request.Header.Set("Traceparent", header)
		serve(tracer, true, request, func(http.ResponseWriter, *http.Request) {})
		if got := spans.GetSpans(); len(got) != 1 || !got[0].SpanContext.IsValid() || got[0].Parent.IsValid() {
			t.Errorf("%.60q: got %v, want a trace of its own", header, got)
		}
	}
}

func TestLogLinesCarryTheSpan(t *testing.T) {
	tracer, _ := open(t)
	var text bytes.Buffer
	log := slog.New(tracing.LogHandler(slog.NewJSONHandler(&text, nil))).With("a", 1).WithGroup("")
	ctx, span := tracer.Begin(t.Context(), "job", trace.SpanKindInternal, propagation.MapCarrier{})
	log.InfoContext(ctx, "inside")
	span.End()
	var line struct {
		Trace string `json:"trace_id"`
		Span  string `json:"span_id"`
	}
	want := trace.SpanContextFromContext(ctx)
	if err := json.Unmarshal(text.Bytes(), &line); err != nil || line.Trace != want.TraceID().String() || line.Span != want.SpanID().String() {
		t.Errorf("got %s (%v), want trace %s and span %s", text.Bytes(), err, want.TraceID(), want.SpanID())
	}
	text.Reset()
	if log.InfoContext(t.Context(), "outside"); strings.Contains(text.String(), "trace_id") {
		t.Errorf("got %s, want no trace outside of one", text.String())
	}
}

func TestWorkOutsideOfATraceBeginsNone(t *testing.T) {
	tracer, spans := open(t)
	_, span := tracer.Within(t.Context(), "sql", trace.SpanKindClient)
	span.End()
	if got := spans.GetSpans(); !span.IsZero() || len(got) != 0 {
		t.Errorf("got %d spans, want none", len(got))
	}
}

// off does what a request does with a tracer.
func off(ctx context.Context, tracer *tracing.Tracer) {
	ctx, span := tracer.Within(ctx, "sql", trace.SpanKindClient)
	if !span.IsZero() {
		span.Set("db.system.name", "sqlite")
	}
	span.Fail("1")
	span.End()
	tracer.Inject(ctx, nil)
}

func TestWithoutAnEndpointThereIsNoCost(t *testing.T) {
	p, err := tracing.Open(tracing.Config{Service: "devicegate", Headers: map[string]string{"a": "b"}}, slog.New(slog.DiscardHandler))
	if err != nil || p != nil {
		t.Fatalf("got %v, %v, want no provider", p, err)
	}
	tracer := p.Tracer()
	if got := testing.AllocsPerRun(100, func() { off(t.Context(), tracer) }); got != 0 {
		t.Errorf("got %g allocations for each span that is not made, want 0", got)
	}
	next := http.NewServeMux()
	if got := tracer.Middleware(next, nil); got != http.Handler(next) {
		t.Errorf("got a handler around the router, want the router")
	}
	if err := p.Shutdown(t.Context()); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func BenchmarkSpan(b *testing.B) {
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			off(b.Context(), nil)
		}
	})
}

func TestSpansArriveAtACollector(t *testing.T) {
	arrived := make(chan http.Header, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			arrived <- r.Header
		}
	}))
	defer collector.Close()
	endpoint, _ := url.Parse(collector.URL + "/v1/traces")
	p, err := tracing.Open(tracing.Config{Endpoint: endpoint, Headers: map[string]string{"Api-Key": "k"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.Tracer().Begin(t.Context(), "job", trace.SpanKindInternal, propagation.MapCarrier{})
	span.End()
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-arrived; got.Get("Api-Key") != "k" || got.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("got %v, want protobuf with the configured header", got)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, cfg := range []tracing.Config{{Sampler: "sometimes"}, {SampleArg: -0.1}, {SampleArg: 1.5}} {
		cfg.Exporter = tracetest.NewInMemoryExporter()
		if _, err := tracing.Open(cfg, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%+v: got no error, want one", cfg)
		}
	}
	if err := errors.Join((tracing.Config{}).Check()); err != nil {
		t.Errorf("got %v, want no error of the zero configuration", err)
	}
}
