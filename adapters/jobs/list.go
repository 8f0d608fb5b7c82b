package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// ErrUnknown says that there is no such job.
var ErrUnknown = errors.New("there is no such job; jobs that were done are kept for a day")

// Info is what operators see of a job.
type Info struct {
	ID          int64     `json:"id"`
	Kind        string    `json:"kind"`
	Key         string    `json:"key,omitempty"`
	State       string    `json:"state"`
	Attempt     int       `json:"attempt"`
	Attempts    int       `json:"attempts"` // how many there may be
	CreatedAt   time.Time `json:"created_at"`
	ScheduledAt time.Time `json:"scheduled_at"`
	Failures    []Failure `json:"failures,omitempty"`
}

// Failure is one attempt that failed.
type Failure struct {
	At      time.Time `json:"at"`
	Attempt int       `json:"attempt"`
	Error   string    `json:"error"`
}

// List are up to a thousand jobs, the newest first: those that are not done or,
// with all, those that are, too.
func (q *Queue) List(ctx context.Context, all bool) ([]Info, error) {
	params := river.NewJobListParams().OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(listMax)
	if !all {
		params = params.States(append([]rivertype.JobState{rivertype.JobStateDiscarded}, unfinished...)...)
	}
	found, err := q.client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	list := make([]Info, len(found.Jobs))
	for i, row := range found.Jobs {
		list[i] = infoOf(row)
	}
	return list, nil
}

// Show returns [ErrUnknown].
func (q *Queue) Show(ctx context.Context, id int64) (Info, error) {
	row, err := q.client.JobGet(ctx, id)
	return found(row, err)
}

// Retry makes a job run at once, also one that was given up. It changes nothing
// of one that runs. It returns [ErrUnknown].
func (q *Queue) Retry(ctx context.Context, id int64) (Info, error) {
	row, err := q.client.JobRetry(ctx, id)
	return found(row, err)
}

func found(row *rivertype.JobRow, err error) (Info, error) {
	switch {
	case errors.Is(err, river.ErrNotFound):
		return Info{}, ErrUnknown
	case err != nil:
		return Info{}, fmt.Errorf("job: %w", err)
	}
	return infoOf(row), nil
}

func infoOf(row *rivertype.JobRow) Info {
	var a args
	_ = json.Unmarshal(row.EncodedArgs, &a) // another release's may have no key
	info := Info{
		ID: row.ID, Kind: row.Kind, Key: a.Key, State: string(row.State), Attempt: row.Attempt, Attempts: row.MaxAttempts,
		CreatedAt: row.CreatedAt, ScheduledAt: row.ScheduledAt,
	}
	for _, e := range row.Errors {
		info.Failures = append(info.Failures, Failure{e.At, e.Attempt, e.Error})
	}
	return info
}
