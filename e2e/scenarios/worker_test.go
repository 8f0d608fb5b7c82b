package scenarios

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// A worker that is the leader is killed in the middle of a sweep. A scheduler that
// stands by takes over the schedule, and another worker the sweep: each token that
// expired is recorded once.
func TestAKilledWorkerAndLeaderLoseNothing(t *testing.T) {
	t.Parallel()
	f, serving := newReplica(t, services.Postgres(t), "")
	if _, err := f.logIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := f.db()
	text := func(query string) (all string) {
		t.Helper()
		if err := db.NewRaw("SELECT coalesce(string_agg(line::text, ' ' ORDER BY line), '') FROM ("+query+") AS q(line)").Scan(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.NewRaw(statement, args...).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tokens := either(20_000, 1_000)
	exec(`INSERT INTO oauth_access_tokens (id, subject_email, subject_issuer, client_id, device_label, prefix, token_hash, created_at, expires_at)
		SELECT lpad(to_hex(i), 32, '0')::uuid, 'p1@acme.example', subject_issuer, client_id, 'old laptop ' || lpad(i::text, 9, '0'), prefix, lpad(i::text, 64, '0'),
			now() - interval '30 days', now() - interval '1 day' + i * interval '1 second'
		FROM oauth_access_tokens, generate_series(1, ?) AS s(i)`, tokens)
	const (
		leader   = "SELECT leader_id FROM river_leader WHERE expires_at > now()"
		recorded = "SELECT count(*) FROM audit_events WHERE event = 'oauth.token_expired'"
		waiting  = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		stuck    = "SELECT kind FROM river_job WHERE state = 'running'"
	)

	// The sweep leaves rows out that are locked. What holds it up in the middle is a
	// trigger that waits for a lock of the test.
	exec(`CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$`)
	exec(fmt.Sprintf(`CREATE TRIGGER wait_for_test BEFORE UPDATE ON oauth_access_tokens FOR EACH ROW
		WHEN (NEW.device_label = 'old laptop %09d') EXECUTE FUNCTION wait_for_test()`, tokens/2+1))
	held, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Rollback() }()
	if _, err := held.NewRaw("SELECT pg_advisory_xact_lock(1)").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := f.Run(nil, "worker")
	systemtest.Within(t, time.Minute, "the worker is elected", func() bool { return text(leader) != "" })
	elected := text(leader)
	scheduler := f.Run(nil, "scheduler") // stands by, and takes no job
	systemtest.Within(t, time.Minute, "the scheduler stands by", func() bool { return strings.Contains(f.Logs.String(), "keeping the schedule") })
	systemtest.Within(t, 5*time.Minute, "the sweep is in the middle", func() bool {
		return text(recorded) != "0" && text(waiting) != "0" && strings.Contains(text(stuck), "sweep_tokens")
	})
	before := text(recorded)

	first.Kill()
	killed := time.Now()
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	// A job whose worker died is taken up when it has been running for longer than
	// any may. That time is over now.
	exec("UPDATE river_job SET attempted_at = attempted_at - interval '3 hours' WHERE state = 'running'")
	if !*long { // nor wait for the end of the leader's term
		exec("UPDATE river_leader SET expires_at = now() - interval '1 second' WHERE leader_id = ?", elected)
	}
	second := f.Run(nil, "worker", "--no-schedule")
	systemtest.Within(t, time.Minute, "the scheduler is elected", func() bool { got := text(leader); return got != "" && got != elected })
	takeOver := time.Since(killed).Round(time.Second)
	systemtest.Within(t, 5*time.Minute, "the sweep is finished", func() bool {
		return text("SELECT count(*) FROM oauth_access_tokens WHERE revoked_at IS NULL AND expires_at < now()") == "0" &&
			text("SELECT DISTINCT kind FROM river_job WHERE finalized_at IS NULL AND kind <> 'refresh_metadata'") == ""
	})

	var lost lost
	if got := text(recorded); got != fmt.Sprint(tokens) {
		lost.add("expiries: %s recorded, not %d", got, tokens)
	}
	if twice := text("SELECT token_id FROM audit_events WHERE event = 'oauth.token_expired' GROUP BY token_id HAVING count(*) > 1"); twice != "" {
		lost.add("expiries that are recorded twice: %s", twice)
	}
	if failed := text("SELECT kind FROM river_job WHERE state IN ('discarded', 'cancelled')"); failed != "" {
		lost.add("jobs that were given up: %s", failed)
	}
	if got := systemtest.Status(serving.at + "/readyz"); got != http.StatusOK {
		lost.add("readiness of the replica: %d", got)
	}
	second.Stop()
	scheduler.Stop()
	lost.outcome(t, "%d expired tokens, %s of them recorded when the worker was killed; another leader after %s", tokens, before, takeOver)
}
