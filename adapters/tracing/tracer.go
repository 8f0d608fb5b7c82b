package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Tracer begins spans. A nil Tracer begins none.
type Tracer struct{ tracer trace.Tracer }

// Span is one piece of work. The zero Span is none.
type Span struct{ span trace.Span }

// traceContext is W3C Trace Context. Baggage is not passed on: what it holds is
// not known.
var traceContext propagation.TraceContext

// Within begins a span of work that belongs to the span of ctx. Without one there
// it begins none: what runs by itself, as the queue's look for jobs, would be a
// trace each time.
func (t *Tracer) Within(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// Begin begins a trace. It is linked to the span that headers or a job name as
// its cause, if there is one.
func (t *Tracer) Begin(ctx context.Context, name string, kind trace.SpanKind, cause propagation.TextMapCarrier) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithNewRoot()}
	if remote := trace.SpanContextFromContext(traceContext.Extract(context.Background(), cause)); remote.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: remote}))
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	return ctx, Span{span}
}

// Continue begins a span of the trace that headers name, or else a trace.
func (t *Tracer) Continue(ctx context.Context, name string, kind trace.SpanKind, parent propagation.TextMapCarrier) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(traceContext.Extract(ctx, parent), name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// Inject writes the span of ctx into headers. They are for servers of the
// operator's own, never for an identity provider.
func (t *Tracer) Inject(ctx context.Context, into http.Header) {
	if t != nil {
		traceContext.Inject(ctx, propagation.HeaderCarrier(into))
	}
}

// Carrier holds the span of ctx for later, or is empty.
func (t *Tracer) Carrier(ctx context.Context) map[string]string {
	carrier := propagation.MapCarrier{}
	if t != nil {
		traceContext.Inject(ctx, carrier)
	}
	return carrier
}

// IsZero reports whether there is no span, so that nothing has to be found out
// for its attributes.
func (s Span) IsZero() bool { return s.span == nil }

// Name renames the span.
func (s Span) Name(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// Set adds an attribute.
func (s Span) Set(key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// SetInt adds an attribute that is a number.
func (s Span) SetInt(key string, value int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Fail says that the work failed, with the code of the failure: a SQLSTATE, a
// status, a reason. It is no text, which could quote a value.
func (s Span) Fail(code string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String("error.type", code))
		s.span.SetStatus(codes.Error, "")
	}
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}
