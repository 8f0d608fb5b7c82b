package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// RetryJob lets a job run at once.
type RetryJob struct {
	store ports.Store
	queue ports.JobQueue
	now   ports.Clock
}

// NewRetryJob makes the use case.
func NewRetryJob(store ports.Store, queue ports.JobQueue, now ports.Clock) *RetryJob {
	return &RetryJob{store, queue, now}
}

// Execute returns the job as it is then. It returns [ports.ErrUnknownJob].
func (uc *RetryJob) Execute(ctx context.Context, id int64, by audit.Actor, origin request.Origin) (ports.JobRecord, error) {
	job, err := uc.queue.Show(ctx, id)
	if err != nil {
		return ports.JobRecord{}, err
	}
	retried := audit.New(audit.JobRetried, by, uc.now(), origin)
	retried.Detail = fmt.Sprintf("%d %s %s", job.ID, job.Kind, job.Key)
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error { return tx.Audit().Record(ctx, retried) })
	if err != nil {
		return ports.JobRecord{}, fmt.Errorf("record the retry: %w", err)
	}
	return uc.queue.Retry(ctx, id)
}
