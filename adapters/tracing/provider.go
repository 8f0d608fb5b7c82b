package tracing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// shutdownTime bounds how long the end waits for spans to be sent.
	shutdownTime = 3 * time.Second
	// repeatInterval is the time before the same failure is logged again.
	repeatInterval = time.Minute
)

// Provider sends spans until it is shut down.
type Provider struct{ provider *sdk.TracerProvider }

// Open returns nil if there is no tracing. Nothing is connected to: a collector
// that does not answer costs spans, and never a request.
func Open(cfg Config, log *slog.Logger) (*Provider, error) {
	if !cfg.Enabled() {
		return nil, nil
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	attributes := []attribute.KeyValue{
		attribute.String("service.name", cmp.Or(cfg.Service, "devicegate")), attribute.String("service.version", cfg.Version),
	}
	for name, value := range cfg.Resource {
		attributes = append(attributes, attribute.String(name, value))
	}
	options := []sdk.TracerProviderOption{sdk.WithResource(resource.NewSchemaless(attributes...)), sdk.WithSampler(cfg.sampler())}
	if cfg.Exporter != nil {
		return &Provider{sdk.NewTracerProvider(append(options, sdk.WithSyncer(cfg.Exporter))...)}, nil
	}
	exporter, err := otlptrace.New(context.Background(), clientOf(cfg))
	if err != nil { // the text may quote a header
		return nil, errors.New("tracing: the OTEL_EXPORTER_OTLP_* settings cannot be used")
	}
	return &Provider{sdk.NewTracerProvider(append(options, sdk.WithBatcher(&reporting{SpanExporter: exporter, log: log}))...)}, nil
}

func clientOf(cfg Config) otlptrace.Client {
	to := cfg.Endpoint.String()
	if cfg.Protocol == GRPC {
		return otlptracegrpc.NewClient(otlptracegrpc.WithEndpointURL(to), otlptracegrpc.WithHeaders(cfg.Headers))
	}
	return otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(to), otlptracehttp.WithHeaders(cfg.Headers))
}

// Check asks the collector whether it takes spans, with a request that has none.
func Check(ctx context.Context, cfg Config) error {
	client := clientOf(cfg)
	if err := client.Start(ctx); err != nil {
		return errors.New("the settings cannot be used") // the text may quote a header
	}
	defer func() { _ = client.Stop(ctx) }()
	if err := client.UploadTraces(ctx, nil); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: no answer in time", cfg.Endpoint.Host)
		}
		return fmt.Errorf("%s: %w", cfg.Endpoint.Host, err)
	}
	return nil
}

// Tracer returns nil if there is no tracing.
func (p *Provider) Tracer() *Tracer {
	if p == nil {
		return nil
	}
	return &Tracer{p.provider.Tracer("github.com/devicegate/devicegate")}
}

// Shutdown sends what is left. A collector that does not answer is no failure of
// this process.
func (p *Provider) Shutdown(ctx context.Context) error {
	if p == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	_ = p.provider.Shutdown(ctx)
	return nil
}

// reporting tells the log when spans cannot be sent, and keeps the error from the
// global handler of the library, which writes to stderr in a form of its own.
type reporting struct {
	sdk.SpanExporter
	log    *slog.Logger
	logged atomic.Int64 // when, in Unix nanoseconds
}

// ExportSpans implements [sdk.SpanExporter].
func (r *reporting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := r.SpanExporter.ExportSpans(ctx, spans)
	last, now := r.logged.Load(), time.Now().UnixNano()
	if err != nil && now-last > int64(repeatInterval) && r.logged.CompareAndSwap(last, now) {
		r.log.Warn("spans cannot be sent; see OTEL_EXPORTER_OTLP_ENDPOINT", "spans", len(spans))
	}
	return nil
}
