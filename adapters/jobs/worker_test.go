package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/internal/logtest"
	"github.com/devicegate/devicegate/ports"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

func engines(t *testing.T, test func(t *testing.T, db *bun.DB)) {
	for _, engine := range databasetest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			test(t, engine.Migrated(t))
		})
	}
}

const (
	retention    = 30 * 24 * time.Hour
	pollInterval = 100 * time.Millisecond
)

func tasks(s ports.Store) jobs.Tasks {
	return jobs.Tasks{
		SweepExpired:    application.NewSweepExpired(s, ports.SystemClock),
		SweepTokens:     application.NewSweepTokens(s, token.Retention(retention), ports.SystemClock),
		RefreshMetadata: application.NewRefreshMetadata(s, new(memory.Connections), nil, ports.SystemClock),
		SealAudit:       application.NewSealAudit(s, ports.SystemClock),
	}
}

// work runs a worker on a store until the test ends or it is stopped.
func work(t *testing.T, db *bun.DB, s ports.Store, log *slog.Logger) (stop func()) {
	t.Helper()
	return workOn(t, databasetest.JobsIn(db), tasks(s), log)
}

func workOn(t *testing.T, at jobs.Database, all jobs.Tasks, log *slog.Logger) (stop func()) {
	t.Helper()
	w, err := jobs.NewWorker(at, all, log, jobs.PollEvery(pollInterval))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := w.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// Of many logins nothing is left when their time has come, but what still
// matters. It is counted, not timed.
func TestTablesAreBackAfterManyLogins(t *testing.T) {
	const logins = 2_500 // a dozen full batches
	engines(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, logins, -40*24*time.Hour, -31*24*time.Hour) // ended before the retention
		seed(t, db, 1, -time.Hour, 7*24*time.Hour)              // the second one's token is valid
		work(t, db, databasetest.Store(t, db), slog.New(slog.DiscardHandler))
		for table, want := range map[string]int{
			"sso_transactions": 1, "approval_grants": 1, "spent_assertions": 1, // half an hour old
			"oauth_access_tokens": 1, "device_authorizations": 2,
		} {
			await(t, db, want, "SELECT count(*) FROM "+table)
		}
		await(t, db, logins/2, "SELECT count(*) FROM audit_events WHERE event = 'oauth.token_expired' AND actor_kind = 'worker'")
		await(t, db, 0, "SELECT count(*) FROM river_job WHERE finalized_at IS NULL")
		await(t, db, 0, "SELECT count(*) FROM river_job WHERE state <> 'completed'")
	})
}

// seed inserts, for each login, an authorization that was abandoned and one that
// was redeemed, with all that goes with them. Half of the tokens were revoked,
// half expired without a request that would have noticed it.
func seed(t *testing.T, db *bun.DB, logins int, begun, tokenEnds time.Duration) {
	t.Helper()
	now := time.Now().UTC()
	at := func(d time.Duration) string {
		return "'" + now.Add(d).Format("2006-01-02 15:04:05.000000+00:00") + "'"
	}
	salt := fmt.Sprintf("%04x", logins%0xffff)
	hex, uuid := "printf('%012x', i)", "%s"
	if databasetest.JobsIn(db).Postgres {
		hex, uuid = "lpad(to_hex(i), 12, '0')", "CAST(%s AS uuid)"
	}
	id := func(kind string) string {
		return fmt.Sprintf(uuid, "'"+kind+"0000-"+salt+"-7000-8000-' || "+hex)
	}
	hash := func(kind string) string { return "'" + strings.Repeat(kind, 12) + salt + "' || " + hex }
	for _, insert := range []string{
		`device_authorizations (id, device_code_hash, user_code, client_id, requested_at, expires_at, status)
			SELECT ` + id("aaaa") + `, ` + hash("aaaa") + `, ` + hash("aaaa") + `, 'difyctl', ` + at(begun) + `, ` + at(begun+15*time.Minute) + `, 'pending' FROM n`,
		`device_authorizations (id, device_code_hash, user_code, client_id, requested_at, expires_at, status,
				subject_email, subject_issuer, token_id, decided_at, redeemed_at)
			SELECT ` + id("bbbb") + `, ` + hash("bbbb") + `, ` + hash("bbbb") + `, 'difyctl', ` + at(begun) + `, ` + at(begun+15*time.Minute) + `, 'redeemed',
				'ann@example.com', 'https://idp.example', ` + id("cccc") + `, ` + at(begun) + `, ` + at(begun) + ` FROM n`,
		`oauth_access_tokens (id, subject_email, subject_issuer, client_id, device_label, prefix, token_hash, created_at, expires_at, revoked_at)
			SELECT ` + id("cccc") + `, 'ann@example.com', 'https://idp.example', 'difyctl', ` + hash("cccc") + `, 'dfoe_',
				CASE WHEN i % 2 = 0 THEN NULL ELSE ` + hash("cccc") + ` END, ` + at(begun) + `, ` + at(tokenEnds) + `,
				CASE WHEN i % 2 = 0 THEN CAST(` + at(begun+time.Minute) + ` AS ` + timeType(db) + `) END FROM n`,
		`sso_transactions (id, relay_state_hash, authorization_id, user_code, connection, mount, acs, request_id, browser_hash, begun_at, expires_at)
			SELECT ` + id("dddd") + `, ` + hash("dddd") + `, ` + id("bbbb") + `, 'x', 'acme', 'canonical', 'canonical', 'x', ` + hash("dddd") + `, ` + at(begun) + `, ` + at(begun+15*time.Minute) + ` FROM n`,
		`approval_grants (id, handle_hash, authorization_id, user_code, subject_email, subject_issuer, connection, granted_at, expires_at)
			SELECT ` + id("eeee") + `, ` + hash("eeee") + `, ` + id("bbbb") + `, 'x', 'ann@example.com', 'https://idp.example', 'acme', ` + at(begun) + `, ` + at(begun+15*time.Minute) + ` FROM n`,
		`spent_assertions (assertion_hash, issuer, expires_at) SELECT ` + hash("ffff") + `, 'https://idp.example', ` + at(begun+15*time.Minute) + ` FROM n`,
	} {
		into, query, _ := strings.Cut(insert, "SELECT")
		series := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT", logins)
		if _, err := db.DB.ExecContext(t.Context(), "INSERT INTO "+into+series+query); err != nil {
			t.Fatalf("got %v, want the rows inserted: %s", err, insert)
		}
	}
}

func timeType(db *bun.DB) string {
	if databasetest.JobsIn(db).Postgres {
		return "timestamptz"
	}
	return "text"
}

// failing is a store that cannot be written to a number of times.
type failing struct {
	ports.Store
	left *atomic.Int64
}

var errBroken = errors.New("broken on purpose")

func (f failing) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	if f.left.Add(-1) >= 0 {
		return errBroken
	}
	return f.Store.Update(ctx, fn)
}

func TestAJobThatFailsIsLoggedAndTriedAgain(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		seed(t, db, 1, -2*time.Hour, time.Hour)
		var left atomic.Int64
		left.Store(1)
		log := new(logtest.Log)
		work(t, db, failing{databasetest.Store(t, db), &left}, slog.New(slog.NewJSONHandler(log, nil)))
		await(t, db, 0, "SELECT count(*) FROM device_authorizations WHERE redeemed_at IS NULL")
		await(t, db, 0, "SELECT count(*) FROM river_job WHERE state <> 'completed'")
		for _, want := range []string{`"msg":"a job failed"`, `"job":"sweep_expired"`, `"attempt":1`, errBroken.Error(), `"msg":"swept"`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("got the log %s, want %s in it", log, want)
			}
		}
	})
}

func TestTwoWorkersHaveOneScheduleAndTheSecondTakesItOver(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		quiet := slog.New(slog.DiscardHandler)
		s := databasetest.Store(t, db)
		leader := func() (id string) {
			_ = db.NewRaw("SELECT leader_id FROM river_leader").Scan(t.Context(), &id)
			return id
		}
		stop := work(t, db, s, quiet)
		await(t, db, 1, "SELECT count(*) FROM river_leader")
		first := leader()
		work(t, db, s, quiet)
		await(t, db, 4, "SELECT count(*) FROM river_job WHERE state = 'completed'")
		stop()
		await(t, db, 1, "SELECT count(*) FROM river_leader WHERE leader_id <> '"+first+"'")
		await(t, db, 4, "SELECT count(*) FROM river_job") // it enqueued the periodic jobs only once
	})
}

// Jobs stay after an upgrade: another release may have written other arguments, or kinds that
// this one does not know.
func TestJobsOfAnotherReleaseAreDoneOrFailVisibly(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		for kind, args := range map[string]string{
			"sweep_tokens": `{}`, "sweep_expired": `{"table":"sso_transactions","limit":5}`, "seal_audit": `{"key":null}`, "forgotten_work": `{"key":"x"}`,
		} {
			_, err := db.ExecContext(t.Context(), "INSERT INTO river_job (kind, args, metadata, max_attempts, queue, priority, state, tags) VALUES (?, ?, ?, 1, 'default', 1, 'available', ?)",
				kind, args, `{"older":[1]}`, map[bool]string{true: "{}", false: "[]"}[databasetest.JobsIn(db).Postgres])
			if err != nil {
				t.Fatal(err)
			}
		}
		work(t, db, databasetest.Store(t, db), slog.New(slog.DiscardHandler))
		await(t, db, 3, `SELECT count(*) FROM river_job WHERE state = 'completed' AND CAST(metadata AS text) LIKE '%older%'`)
		await(t, db, 1, "SELECT count(*) FROM river_job WHERE state = 'discarded'")
		q, err := jobs.NewQueue(databasetest.JobsIn(db))
		if err != nil {
			t.Fatal(err)
		}
		list, err := q.List(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range list {
			if job.Kind == "forgotten_work" && job.State == "discarded" && len(job.Failures) == 1 && strings.Contains(job.Failures[0].Error, "forgotten_work") {
				return
			}
		}
		t.Errorf("got %+v, want forgotten_work given up, and why", list)
	})
}

// A worker that is killed does not resign: the next one waits for the end of its
// term.
func TestTheTermOfALeaderIsShortWhenItIsElectedAndWhenItIsRenewed(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		work(t, db, databasetest.Store(t, db), slog.New(slog.DiscardHandler))
		ends := func() (at time.Time) {
			t.Helper()
			await(t, db, 1, "SELECT count(*) FROM river_leader")
			if err := db.NewRaw("SELECT expires_at FROM river_leader").Scan(t.Context(), &at); err != nil {
				t.Fatal(err)
			}
			return at
		}
		const want = 8 * time.Second
		first := ends()
		if left := time.Until(first); left > want {
			t.Errorf("got a term with %s left, want at most %s", left, want)
		}
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		for ends().Equal(first) {
			if at := <-again.C; at.After(first) {
				t.Fatal("got a term that ended, want it renewed")
			}
		}
		if left := time.Until(ends()); left > want {
			t.Errorf("got a renewed term with %s left, want at most %s", left, want)
		}
	})
}

// await waits until a query counts so many.
func await(t *testing.T, db *bun.DB, want int, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		var got int
		if err := db.NewRaw(query).Scan(ctx, &got); err != nil {
			t.Fatalf("got %v, want a number from %s", err, query)
		}
		if got == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("got %d, want %d: %s", got, want, query)
		case <-again.C:
		}
	}
}

// A job's run is a trace of its own, linked to the request that enqueued it.
func TestARunIsLinkedToTheRequestThatEnqueuedIt(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		spans := tracetest.NewInMemoryExporter()
		p, err := tracing.Open(tracing.Config{Exporter: spans}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		at := databasetest.JobsIn(db)
		at.Tracer = p.Tracer()
		queue, err := jobs.NewQueue(at)
		if err != nil {
			t.Fatal(err)
		}
		s := databasetest.Store(t, db)
		ctx, request := p.Tracer().Begin(t.Context(), "request", trace.SpanKindServer, propagation.MapCarrier{})
		cause := trace.SpanContextFromContext(ctx)
		err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			return queue.Enqueue(ctx, tx.Tx, ports.Job{Kind: ports.SweepTokens, Key: "mine"})
		})
		if err != nil {
			t.Fatal(err)
		}
		request.End()
		workOn(t, at, tasks(s), slog.New(slog.DiscardHandler))
		await(t, db, 0, "SELECT count(*) FROM river_job WHERE finalized_at IS NULL")
		linked := func() (n int) {
			for _, span := range spans.GetSpans() {
				if len(span.Links) == 1 && span.Links[0].SpanContext.SpanID() == cause.SpanID() && span.Name == "job sweep_tokens" && span.Parent.SpanID() != cause.SpanID() {
					n++
				}
			}
			return n
		}
		if got := linked(); got != 1 {
			t.Errorf("got %d runs with a link to the request, want 1", got)
		}
	})
}
