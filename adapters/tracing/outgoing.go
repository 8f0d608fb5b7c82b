package tracing

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// Sink traces the deliveries of a receiver of audit events. Without tracing it
// returns s.
func (t *Tracer) Sink(s ports.AuditSink) ports.AuditSink {
	if t == nil {
		return s
	}
	return sink{s, t}
}

type sink struct {
	ports.AuditSink
	tracer *Tracer
}

// Deliver implements [ports.AuditSink].
func (s sink) Deliver(ctx context.Context, e audit.Event) error {
	ctx, span := s.tracer.Within(ctx, "audit "+string(s.Name()), trace.SpanKindClient)
	defer span.End()
	span.Set("devicegate.event", string(e.Kind))
	err := s.AuditSink.Deliver(ctx, e)
	span.failIf(err)
	return err
}

// Mailer traces the mails that m sends. Without tracing it returns m.
func (t *Tracer) Mailer(m ports.Mailer) ports.Mailer {
	if t == nil {
		return m
	}
	return mailer{m, t}
}

type mailer struct {
	ports.Mailer
	tracer *Tracer
}

// Send implements [ports.Mailer].
func (m mailer) Send(ctx context.Context, mail ports.Mail) error {
	ctx, span := m.tracer.Within(ctx, "mail send", trace.SpanKindClient)
	defer span.End()
	err := m.Mailer.Send(ctx, mail)
	span.failIf(err)
	return err
}

// failIf marks a span as failed. What the other side said is in no span: it may
// quote an address.
func (s Span) failIf(err error) {
	if err != nil {
		s.Fail("failed")
	}
}
