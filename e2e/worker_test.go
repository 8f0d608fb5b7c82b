package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// worker starts a process that does the background work only.
func (w *fixture) worker() *process {
	w.t.Helper()
	p := w.background("worker")
	w.eventually("the worker works", func() bool { return strings.Contains(w.Logs.String(), `"working"`) })
	return p
}

// background starts a process that does the background work, or a part of it.
func (w *fixture) background(arguments ...string) *process {
	w.t.Helper()
	return &process{Process: w.Run(nil, arguments...)}
}

// Two schedulers elect one. When it is killed, the other one takes the schedule
// over, and enqueues nothing for a second time. Neither runs a job: the worker
// does, which is never elected.
func TestAKilledSchedulerIsReplacedAndNothingRunsTwice(t *testing.T) {
	t.Parallel()
	w := productionWorld(t)
	db := databasetest.Open(t, w.Env["DATABASE_URL"])
	text := func(query string) (all string) {
		_ = db.NewRaw("SELECT coalesce(string_agg(line, ' ' ORDER BY line), '') FROM ("+query+") AS q(line)").Scan(t.Context(), &all)
		return all
	}
	leader := func() string { return text("SELECT leader_id FROM river_leader WHERE expires_at > now()") }

	first := w.background("scheduler")
	w.eventually("the first scheduler is elected", func() bool { return leader() != "" })
	elected := leader()
	second := w.background("scheduler")
	worker := w.background("worker", "--no-schedule")
	w.eventually("the worker has run what the scheduler enqueued", func() bool {
		ran := text("SELECT DISTINCT kind FROM river_job WHERE state = 'completed'")
		return ran == text("SELECT DISTINCT kind FROM river_job") && strings.Contains(ran, "sweep_expired") && strings.Contains(ran, "sweep_tokens")
	})
	const rare = "SELECT kind FROM river_job WHERE kind IN ('refresh_metadata', 'seal_audit', 'sweep_expired', 'sweep_tokens')"
	kinds := text(rare) // of which none is due again during the test
	if got := leader(); got != elected {
		t.Errorf("leader: got %s, want the first one, %s", got, elected)
	}
	ran := text("SELECT DISTINCT attempted_by[1] FROM river_job")

	first.Kill()
	systemtest.Within(t, time.Minute, "the second scheduler is elected", func() bool { got := leader(); return got != "" && got != elected })
	if got := leader(); got == ran {
		t.Errorf("leader: got the worker, want the second scheduler")
	}
	if got := text(rare); got != kinds || got != text("SELECT DISTINCT kind FROM ("+rare+") AS j") {
		t.Errorf("jobs: got %s, want each once: %s", got, kinds)
	}
	if strings.Contains(ran, " ") || ran == elected || ran == leader() {
		t.Errorf("jobs ran on %s, want the worker alone", ran)
	}
	for _, p := range []*process{second, worker} {
		p.Signal(syscall.SIGTERM)
		if err := p.Cmd.Wait(); err != nil {
			t.Errorf("got %v, want exit code 0\n%s", err, w.Logs)
		}
	}
}

func TestAWorkerStopsWhenItIsToldToAndNotByAHangup(t *testing.T) {
	w := productionWorld(t)
	p := w.worker()
	p.Signal(syscall.SIGHUP)
	p.Signal(syscall.SIGTERM)
	if err := p.Cmd.Wait(); err != nil {
		t.Errorf("got %v, want exit code 0\n%s", err, w.Logs)
	}
}
