package database_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/ports"
)

// together runs calls that share a round trip of reads, or of writes.
func together(shared func(calls int, start func()), calls ...func() error) []error {
	errs := make([]error, len(calls))
	var all sync.WaitGroup
	shared(len(calls), func() {
		for i, call := range calls {
			all.Go(func() { errs[i] = call() })
		}
	})
	all.Wait()
	return errs
}

// onEachWire runs a test on connections that prepare statements, on some that do
// not, and behind PgBouncer.
func onEachWire(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	for name, through := range map[string]func(t *testing.T, direct string) string{
		"prepared":        func(_ *testing.T, direct string) string { return direct },
		"simple protocol": func(_ *testing.T, direct string) string { return direct + "&default_query_exec_mode=simple_protocol" },
		"PgBouncer":       func(t *testing.T, direct string) string { return services.PgBouncer(t, direct) },
	} {
		t.Run(name, func(t *testing.T) {
			db := databasetest.Open(t, through(t, postgres(t).URL(t)))
			must(t, database.Migrate(t.Context(), db))
			test(t, db)
		})
	}
}

func byID(ctx context.Context, s *database.Store, id uid.ID) (found *device.Authorization, err error) {
	err = s.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		found, err = r.Authorizations().ByID(ctx, id)
		return err
	})
	return found, err
}

func TestReadsThatAreSentTogetherGetTheirOwnResults(t *testing.T) {
	onEachWire(t, func(t *testing.T, db *bun.DB) {
		s := database.NewStore(db)
		var calls []func() error
		for range 8 {
			a, started := start()
			must(t, s.AddAuthorization(t.Context(), a, started))
			calls = append(calls, func() error {
				got, err := byID(context.Background(), s, a.Snapshot().ID)
				if err == nil && got.Snapshot() != a.Snapshot() {
					return errors.New("the authorization is another one")
				}
				return err
			})
		}
		var one, two bool
		const noRow, noStatement, noColumn = 8, 9, 10
		calls = append(calls,
			func() error { _, err := byID(context.Background(), s, uid.New(ports.SystemClock())); return err },
			func() error { return s.Ask(context.Background(), "SELECT 1/(random()*0)::int = 1", &one) },
			func() error { return s.Ask(context.Background(), "SELECT 'x'", &one) },
			func() error { return s.Ask(context.Background(), "SELECT true", &two) })
		for i, err := range together(s.TogetherReads, calls...) {
			switch i {
			case noRow:
				if !errors.Is(err, device.ErrUnknown) {
					t.Errorf("a row that is not there: got %v, want %v", err, device.ErrUnknown)
				}
			case noStatement:
				if err == nil || !strings.Contains(err.Error(), "division by zero") {
					t.Errorf("a statement that fails: got %v, want its error", err)
				}
			case noColumn:
				if err == nil || !strings.Contains(err.Error(), "column") {
					t.Errorf("a column that cannot be read: got %v, want its error", err)
				}
			default:
				if err != nil {
					t.Errorf("call %d: got %v, want no error", i, err)
				}
			}
		}
		if !two {
			t.Error("got false, want what the last statement read")
		}
	})
}

func TestStartsThatAreSentTogether(t *testing.T) {
	onEachWire(t, func(t *testing.T, db *bun.DB) {
		var told atomic.Int32
		s := database.NewStore(db).WithObserver(func(database.Written) { told.Add(1) })
		taken, started := start()
		must(t, s.AddAuthorization(t.Context(), taken, started))
		adding := func(a *device.Authorization, e audit.Event) func() error {
			return func() error { return s.AddAuthorization(context.Background(), a, e) }
		}
		const starts = 6
		var calls []func() error
		for range starts {
			calls = append(calls, adding(start()))
		}
		snapshot := taken.Snapshot()
		snapshot.ID = uid.New(ports.SystemClock())
		again, err := device.Restore(snapshot)
		must(t, err)
		_, event := start()
		sameCode := append(calls, adding(again, event))
		told.Store(0)
		for i, err := range together(s.TogetherWrites, sameCode...) {
			switch {
			case i < starts && err != nil:
				t.Errorf("start %d: got %v, want no error", i, err)
			case i == starts && !errors.Is(err, ports.ErrUserCodeTaken):
				t.Errorf("a user code that is taken: got %v, want %v", err, ports.ErrUserCodeTaken)
			}
		}
		for _, table := range []string{"device_authorizations", "audit_events"} {
			if n := count(t, db, "SELECT count(*) FROM "+table); n != starts+1 {
				t.Errorf("%s: got %d rows, want %d", table, n, starts+1)
			}
		}
		if n := count(t, db, "SELECT count(DISTINCT xmin::text) FROM device_authorizations"); n != 2 {
			t.Errorf("got %d transactions, want that of the first start and one for the others", n)
		}
		if n := told.Load(); n != starts {
			t.Errorf("got %d events observed, want %d", n, starts)
		}
	})
}

// A start that cannot be stored: its id is there already.
func TestAStartThatFailsFailsNoneThatIsSentWithIt(t *testing.T) {
	onEachWire(t, func(t *testing.T, db *bun.DB) {
		var told atomic.Int32
		s := database.NewStore(db).WithObserver(func(database.Written) { told.Add(1) })
		first, started := start()
		must(t, s.AddAuthorization(t.Context(), first, started))
		told.Store(0)
		var calls []func() error
		const bad = 2
		for i := range 5 {
			a, e := start()
			if i == bad {
				snapshot := a.Snapshot()
				snapshot.ID = first.Snapshot().ID
				same, err := device.Restore(snapshot)
				must(t, err)
				a = same
			}
			calls = append(calls, func() error { return s.AddAuthorization(context.Background(), a, e) })
		}
		for i, err := range together(s.TogetherWrites, calls...) {
			if (err != nil) != (i == bad) {
				t.Errorf("start %d: got %v, want an error of start %d alone", i, err, bad)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM device_authorizations"); n != 5 {
			t.Errorf("got %d authorizations, want 5", n)
		}
		if n := told.Load(); n != 4 {
			t.Errorf("got %d events observed, want 4", n)
		}
	})
}

// The server ends the session while it works on statements that were sent together.
func TestASessionThatEndsUnderCallsThatAreSentTogether(t *testing.T) {
	url := postgres(t).URL(t)
	db, other := databasetest.Open(t, url), databasetest.Open(t, url)
	must(t, database.Migrate(t.Context(), db))
	s := database.NewStore(db)
	a, started := start()
	must(t, s.AddAuthorization(t.Context(), a, started))
	for name, c := range map[string]struct {
		together func(int, func())
		call     func() error
		repeated bool
	}{
		"reads": {s.TogetherReads, func() error { _, err := byID(context.Background(), s, a.Snapshot().ID); return err }, true},
		"starts": {s.TogetherWrites, func() error {
			a, started := start()
			return s.AddAuthorization(context.Background(), a, started)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := other.BeginTx(t.Context(), nil)
			must(t, err)
			defer func() { _ = tx.Rollback() }()
			_, err = tx.ExecContext(t.Context(), "LOCK TABLE device_authorizations")
			must(t, err)
			go func() {
				waitUntil(func() bool {
					return count(t, other, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1
				})
				execute(t, other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
				_ = tx.Rollback()
			}()
			for i, err := range together(c.together, c.call, c.call, c.call) {
				if c.repeated && err != nil {
					t.Errorf("call %d: got %v, want it repeated", i, err)
				}
				if !c.repeated {
					unavailable(t, fmt.Sprint("call ", i), err)
				}
			}
			if n := count(t, db, "SELECT count(*) FROM device_authorizations"); n != 1 {
				t.Errorf("got %d authorizations, want that of before alone", n)
			}
		})
	}
}

// What a pooler before PgBouncer 1.21 does.
func TestCallsThatAreSentTogetherMissTheirPreparedStatement(t *testing.T) {
	db := postgres(t).Migrated(t)
	db.SetMaxOpenConns(1)
	s := database.NewStore(db)
	a, started := start()
	must(t, s.AddAuthorization(context.Background(), a, started))
	reading := func() error { _, err := byID(context.Background(), s, a.Snapshot().ID); return err }
	adding := func() error {
		a, started := start()
		return s.AddAuthorization(context.Background(), a, started)
	}
	must(t, reading())
	execute(t, db, "DEALLOCATE ALL")
	must(t, errors.Join(together(s.TogetherReads, reading, reading)...))
	must(t, errors.Join(together(s.TogetherWrites, adding, adding)...))
	if n := count(t, db, "SELECT count(*) FROM device_authorizations"); n != 3 {
		t.Errorf("got %d authorizations, want 3", n)
	}
}

func TestCallsThatWaitForAServerThatHangsAreUnavailableInTime(t *testing.T) {
	url := postgres(t).URL(t)
	db, other := databasetest.Open(t, url), databasetest.Open(t, url)
	must(t, database.Migrate(t.Context(), db))
	const limit = 200 * time.Millisecond
	s := database.NewStore(db).Within(limit)
	tx, err := other.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(t.Context(), "LOCK TABLE device_authorizations")
	must(t, err)
	began := time.Now()
	var calls sync.WaitGroup
	for range 30 {
		calls.Go(func() {
			_, err := byID(context.Background(), s, uid.New(ports.SystemClock()))
			unavailable(t, "a read", err)
			a, started := start()
			unavailable(t, "a start", s.AddAuthorization(context.Background(), a, started))
		})
	}
	calls.Wait()
	if took := time.Since(began); took > 25*limit {
		t.Errorf("got all answers after %v, want each within %v", took, limit)
	}
	must(t, tx.Rollback())
	if _, err := byID(context.Background(), s.Within(time.Minute), uid.New(ports.SystemClock())); !errors.Is(err, device.ErrUnknown) {
		t.Errorf("afterwards: got %v, want %v", err, device.ErrUnknown)
	}
}

func TestEachOfCallsThatAreSentTogetherHasASpanInItsOwnTrace(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	p, err := tracing.Open(tracing.Config{Exporter: spans}, slog.New(slog.DiscardHandler))
	must(t, err)
	db, err := database.Open(database.Config{URL: postgres(t).URL(t), Tracer: p.Tracer()})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	must(t, database.Migrate(t.Context(), db))
	s := database.NewStore(db)
	roots := map[trace.TraceID]bool{}
	var calls []func() error
	for range 3 {
		ctx, root := p.Tracer().Begin(context.Background(), "request", trace.SpanKindServer, propagation.MapCarrier{})
		roots[trace.SpanContextFromContext(ctx).TraceID()] = true
		calls = append(calls, func() error {
			defer root.End()
			_, err := byID(ctx, s, uid.New(ports.SystemClock()))
			if !errors.Is(err, device.ErrUnknown) {
				return fmt.Errorf("got %w, want %w", err, device.ErrUnknown)
			}
			return nil
		})
	}
	must(t, errors.Join(together(s.TogetherReads, calls...)...))
	for _, got := range spans.GetSpans() {
		if got.Name == "request" {
			continue
		}
		if got.Name != "SELECT device_authorizations" || !roots[got.SpanContext.TraceID()] {
			t.Errorf("got %s, want one SELECT device_authorizations in each trace", got.Name)
		}
		delete(roots, got.SpanContext.TraceID())
		if set := attribute.NewSet(got.Attributes...); !set.HasValue("db.operation.batch.size") {
			t.Errorf("got %v, want the size of the batch", got.Attributes)
		}
	}
	if len(roots) != 0 {
		t.Errorf("got %d traces without a statement, want none", len(roots))
	}
}

// ofRequests is a store whose contexts end by their time limit alone, like those of
// the service's requests. The tests' own can also end by themselves: such calls are
// sent alone.
type ofRequests struct{ *database.Store }

func (s ofRequests) View(ctx context.Context, fn func(context.Context, ports.Reader) error) error {
	return s.Store.View(ofRequest(ctx), fn)
}

func (s ofRequests) AddAuthorization(ctx context.Context, a *device.Authorization, e audit.Event) error {
	return s.Store.AddAuthorization(ofRequest(ctx), a, e)
}

func ofRequest(ctx context.Context) context.Context {
	if ctx.Err() != nil { // the suite asks what becomes of a cancelled call
		return ctx
	}
	return context.WithoutCancel(ctx)
}
