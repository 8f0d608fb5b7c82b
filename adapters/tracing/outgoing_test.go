package tracing_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

type outgoing struct{ err error }

func (o outgoing) Name() audit.Sink                           { return audit.Webhook }
func (o outgoing) Deliver(context.Context, audit.Event) error { return o.err }
func (o outgoing) Send(context.Context, ports.Mail) error     { return o.err }

func TestMailsAndDeliveriesAreSpansWithoutWhatFailed(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	p, err := tracing.Open(tracing.Config{Exporter: spans}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tracer := p.Tracer()
	ctx, job := tracer.Begin(t.Context(), "job", trace.SpanKindInternal, propagation.MapCarrier{})
	secret := errors.New("550 ann@acme.example is not here")
	if err := tracer.Sink(outgoing{}).Deliver(ctx, audit.Event{Kind: audit.TokenMinted}); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if err := tracer.Mailer(outgoing{secret}).Send(ctx, ports.Mail{}); !errors.Is(err, secret) {
		t.Errorf("got %v, want the mailer's error", err)
	}
	job.End()
	got := spans.GetSpans()
	if len(got) != 3 || got[0].Name != "audit webhook" || got[1].Name != "mail send" {
		t.Fatalf("got the spans %+v, want audit webhook, mail send and job", got)
	}
	if a := got[0].Attributes; len(a) != 1 || a[0].Value.AsString() != "oauth.token_minted" {
		t.Errorf("got the attributes %v, want the kind of the event alone", a)
	}
	if a := got[1].Attributes; len(a) != 1 || string(a[0].Key) != "error.type" || a[0].Value.AsString() != "failed" {
		t.Errorf("got the attributes %v, want that it failed alone", a)
	}
}

func TestWithoutTracesNothingIsWrapped(t *testing.T) {
	var none *tracing.Tracer
	o := outgoing{}
	if none.Sink(o) != ports.AuditSink(o) || none.Mailer(o) != ports.Mailer(o) {
		t.Error("got wrappers, want the receivers themselves")
	}
}
