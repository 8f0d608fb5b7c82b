package jobs

import (
	"context"
	"encoding/json"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/tracing"
)

// metadata is what River keeps beside a job's arguments: the span that enqueued
// the job, as W3C Trace Context has it.
type metadata struct {
	TraceParent string `json:"traceparent,omitempty"`
	TraceState  string `json:"tracestate,omitempty"`
}

// cause is the metadata of a job that is enqueued now; nil: none.
func (q *Queue) cause(ctx context.Context) []byte {
	carrier := q.tracer.Carrier(ctx)
	if len(carrier) == 0 {
		return nil
	}
	text, err := json.Marshal(metadata{carrier["traceparent"], carrier["tracestate"]})
	if err != nil {
		return nil // the job matters more than its trace
	}
	return text
}

// traced makes a trace of each run of a job, linked to the span that enqueued it.
func traced(tracer *tracing.Tracer) rivertype.WorkerMiddleware {
	return river.WorkerMiddlewareFunc(func(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
		if tracer == nil {
			return work(ctx)
		}
		var by metadata
		_ = json.Unmarshal(job.Metadata, &by) // another release's may have none
		ctx, span := tracer.Begin(ctx, "job "+job.Kind, trace.SpanKindConsumer, propagation.MapCarrier{"traceparent": by.TraceParent, "tracestate": by.TraceState})
		defer span.End()
		span.Set("messaging.system", "river")
		span.Set("devicegate.job.kind", job.Kind)
		span.SetInt("devicegate.job.attempt", job.Attempt)
		err := work(ctx)
		if err != nil {
			span.Fail("job_failed")
		}
		return err
	})
}
