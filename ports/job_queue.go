package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
)

// JobRecord is what operators see of a job.
type JobRecord struct {
	ID          int64
	Kind        JobKind
	Key         string
	State       string // River's: available, running, retryable, scheduled, discarded …
	Attempt     int
	Attempts    int // how many there may be
	CreatedAt   time.Time
	ScheduledAt time.Time
	Failures    []JobFailure
}

// JobFailure is one attempt that failed.
type JobFailure struct {
	At      time.Time
	Attempt int
	Error   string
}

// ErrUnknownJob says that there is no such job.
var ErrUnknownJob = fault.New(fault.NotFound, "unknown_job", "There is no such job. List the jobs to find its id; jobs that were done are kept for a day.")

// JobQueue shows operators the jobs.
type JobQueue interface {
	// List are up to a thousand jobs, the newest first: those that are not done or,
	// with all, those that are, too.
	List(ctx context.Context, all bool) ([]JobRecord, error)

	// Show returns [ErrUnknownJob].
	Show(ctx context.Context, id int64) (JobRecord, error)

	// Retry makes a job run at once, also one that was given up. It changes nothing
	// of one that runs. It returns [ErrUnknownJob].
	Retry(ctx context.Context, id int64) (JobRecord, error)
}
