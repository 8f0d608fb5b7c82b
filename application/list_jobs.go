package application

import (
	"context"

	"github.com/devicegate/devicegate/ports"
)

// ListJobs shows administrators the background work.
type ListJobs struct{ queue ports.JobQueue }

// NewListJobs makes the use case.
func NewListJobs(queue ports.JobQueue) *ListJobs { return &ListJobs{queue} }

// Execute returns up to a thousand jobs that wait, run or were given up, the newest
// first; with all, those that were done, too.
func (uc *ListJobs) Execute(ctx context.Context, all bool) ([]ports.JobRecord, error) {
	return uc.queue.List(ctx, all)
}

// Show returns [ports.ErrUnknownJob].
func (uc *ListJobs) Show(ctx context.Context, id int64) (ports.JobRecord, error) {
	return uc.queue.Show(ctx, id)
}
