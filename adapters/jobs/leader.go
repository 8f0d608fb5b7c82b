package jobs

import (
	"context"
	"database/sql"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// leaderTTL is how long a leader that was killed keeps others from the schedule.
// River renews a leader's term every 5 seconds and has no setting for its length,
// which is 15 seconds. A leader that cannot reach the database goes on for these
// 15 seconds beside the next one: periodic jobs are unique in their period.
const leaderTTL = 8 * time.Second

// shortTerms is a driver with [leaderTTL].
type shortTerms struct{ riverdriver.Driver[*sql.Tx] }

// GetExecutor implements [riverdriver.Driver].
func (d shortTerms) GetExecutor() riverdriver.Executor {
	return shortTermExecutor{d.Driver.GetExecutor()}
}

type shortTermExecutor struct{ riverdriver.Executor }

// Begin implements [riverdriver.Executor]. Elections are transactions.
func (e shortTermExecutor) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := e.Executor.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return shortTermTx{tx}, nil
}

// LeaderAttemptReelect implements [riverdriver.Executor].
func (e shortTermExecutor) LeaderAttemptReelect(ctx context.Context, params *riverdriver.LeaderReelectParams) (*riverdriver.Leader, error) {
	short := *params
	short.TTL = leaderTTL
	return e.Executor.LeaderAttemptReelect(ctx, &short)
}

type shortTermTx struct{ riverdriver.ExecutorTx }

// LeaderAttemptElect implements [riverdriver.Executor].
func (t shortTermTx) LeaderAttemptElect(ctx context.Context, params *riverdriver.LeaderElectParams) (*riverdriver.Leader, error) {
	short := *params
	short.TTL = leaderTTL
	return t.ExecutorTx.LeaderAttemptElect(ctx, &short)
}
