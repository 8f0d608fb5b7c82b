package jobs_test

import (
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/adapters/jobs"
	"github.com/devicegate/devicegate/ports"
)

func TestAJobThatWasGivenUpIsListedShownAndTriedAgain(t *testing.T) {
	engines(t, func(t *testing.T, db *bun.DB) {
		q, err := jobs.NewQueue(databasetest.JobsIn(db))
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.DB.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(q.Enqueue(t.Context(), tx, ports.Job{Kind: ports.SweepTokens, Key: "x"}), tx.Commit()); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE river_job SET state = 'discarded', attempt = 5, finalized_at = created_at"); err != nil {
			t.Fatal(err)
		}
		list, err := q.List(t.Context(), false)
		if err != nil || len(list) != 1 || list[0].Kind != "sweep_tokens" || list[0].Key != "x" || list[0].State != "discarded" {
			t.Fatalf("got %+v, %v, want the job", list, err)
		}
		again, err := q.Retry(t.Context(), list[0].ID)
		if err != nil || again.State != "available" {
			t.Errorf("got %+v, %v, want it available", again, err)
		}
		shown, err := q.Show(t.Context(), list[0].ID)
		if err != nil || shown.State != "available" || shown.Attempts <= shown.Attempt {
			t.Errorf("got %+v, %v, want it available with attempts left", shown, err)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE river_job SET state = 'completed', finalized_at = created_at"); err != nil {
			t.Fatal(err)
		}
		for all, want := range map[bool]int{false: 0, true: 1} {
			if list, err := q.List(t.Context(), all); err != nil || len(list) != want {
				t.Errorf("all %v: got %+v, %v, want %d jobs", all, list, err, want)
			}
		}
		_, shownErr := q.Show(t.Context(), 4711)
		_, retriedErr := q.Retry(t.Context(), 4711)
		if !errors.Is(shownErr, ports.ErrUnknownJob) || !errors.Is(retriedErr, ports.ErrUnknownJob) {
			t.Errorf("got %v and %v, want ErrUnknown", shownErr, retriedErr)
		}
	})
}
