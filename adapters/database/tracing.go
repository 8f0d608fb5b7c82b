package database

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/trace"
	"modernc.org/sqlite"

	"github.com/devicegate/devicegate/adapters/batching"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/migrations"
)

// describe gives a span the operation and the table of a statement. The statement
// itself is left out: bun writes values into it.
func describe(span tracing.Span, system, statement string) {
	operation, table := summary(statement)
	span.Name(strings.TrimSpace(operation + " " + table))
	span.Set("db.system.name", system)
	span.Set("db.operation.name", operation)
	span.Set("db.collection.name", table)
}

var (
	verb = regexp.MustCompile(`(?i)\b(SELECT|INSERT|UPDATE|DELETE|BEGIN|SAVEPOINT|RELEASE|COMMIT|ROLLBACK|LISTEN|NOTIFY)\b`)
	from = regexp.MustCompile(`(?i)\b(?:FROM|INTO|UPDATE)\s+(?:ONLY\s+)?(?:"?[a-z_]+"?\.)?"?([a-z_]+)"?`)
)

// summary finds the first verb and the first table of a statement: those of the
// change, where a change and its event are one. Our statements have their verb
// before any value.
func summary(statement string) (operation, table string) {
	operation = strings.ToUpper(verb.FindString(statement))
	if operation == "" {
		return "OTHER", ""
	}
	if found := from.FindStringSubmatch(statement); found != nil && tables()[found[1]] {
		table = found[1]
	}
	return operation, table
}

var created = regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)`)

// tables are the names that may stand in a span: a word of a value may follow
// FROM, too.
var tables = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{"accounts": true, "river_job": true, "river_leader": true, "river_queue": true}
	for _, folder := range []string{"postgres", "sqlite"} {
		files, _ := fs.Glob(migrations.Files, folder+"/*.sql")
		for _, file := range files {
			text, _ := fs.ReadFile(migrations.Files, file)
			for _, found := range created.FindAllSubmatch(text, -1) {
				known[string(found[1])] = true
			}
		}
	}
	return known
})

// end ends the span of a statement with the code of its error.
func end(span tracing.Span, err error) {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows), errors.Is(err, pgx.ErrNoRows):
	case errors.As(err, &pg):
		span.Fail(pg.Code)
	case errors.As(err, &lite):
		span.Fail(strconv.Itoa(lite.Code()))
	case errors.Is(err, context.Canceled):
		span.Fail("cancelled")
	default:
		span.Fail("unreachable")
	}
	span.End()
}

// pgTracer traces what is sent to PostgreSQL, by our code, bun and the job queue.
type pgTracer struct{ tracer *tracing.Tracer }

type pgSpanKey struct{}

func (t pgTracer) begin(ctx context.Context, statement string) context.Context {
	ctx, span := t.tracer.Within(ctx, "sql", trace.SpanKindClient)
	if span.IsZero() {
		return ctx
	}
	describe(span, "postgresql", statement)
	return context.WithValue(ctx, pgSpanKey{}, span)
}

func (t pgTracer) end(ctx context.Context, err error) {
	if span, ok := ctx.Value(pgSpanKey{}).(tracing.Span); ok {
		end(span, err)
	}
}

// beginEach begins the spans of calls that share a round trip.
func (t pgTracer) beginEach(calls []*batching.Call[statementCall]) (end func(err error)) {
	if t.tracer == nil {
		return func(error) {}
	}
	spans := make([]context.Context, len(calls))
	for i, c := range calls {
		spans[i] = t.begin(c.Context, c.Value.text)
		if span, ok := spans[i].Value(pgSpanKey{}).(tracing.Span); ok {
			span.SetInt("db.operation.batch.size", len(calls))
		}
	}
	return func(err error) {
		for _, ctx := range spans {
			t.end(ctx, err)
		}
	}
}

// TraceQueryStart implements [pgx.QueryTracer].
func (t pgTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return t.begin(ctx, data.SQL)
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (t pgTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	t.end(ctx, data.Err)
}

// TraceBatchStart implements [pgx.BatchTracer]. A batch is named after its last
// statement that is more than the beginning or the end of a transaction.
func (t pgTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	queued := data.Batch.QueuedQueries
	named := queued[len(queued)-1].SQL
	for _, q := range queued {
		if _, table := summary(q.SQL); table != "" {
			named = q.SQL
		}
	}
	ctx = t.begin(ctx, named)
	if span, ok := ctx.Value(pgSpanKey{}).(tracing.Span); ok {
		span.SetInt("db.operation.batch.size", len(queued))
	}
	return ctx
}

// TraceBatchQuery implements [pgx.BatchTracer].
func (pgTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements [pgx.BatchTracer].
func (t pgTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	t.end(ctx, data.Err)
}

// traced begins the span of a statement on SQLite.
func (c *sqliteConn) traced(ctx context.Context, statement string) tracing.Span {
	_, span := c.tracer.Within(ctx, "sql", trace.SpanKindClient)
	if !span.IsZero() {
		describe(span, "sqlite", statement)
	}
	return span
}
