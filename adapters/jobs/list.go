package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/devicegate/devicegate/ports"
)

// List implements [ports.JobQueue].
func (q *Queue) List(ctx context.Context, all bool) ([]ports.JobRecord, error) {
	params := river.NewJobListParams().OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(listMax)
	if !all {
		params = params.States(append([]rivertype.JobState{rivertype.JobStateDiscarded}, unfinished...)...)
	}
	found, err := q.client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	list := make([]ports.JobRecord, len(found.Jobs))
	for i, row := range found.Jobs {
		list[i] = recordOf(row)
	}
	return list, nil
}

// Show implements [ports.JobQueue].
func (q *Queue) Show(ctx context.Context, id int64) (ports.JobRecord, error) {
	row, err := q.client.JobGet(ctx, id)
	return found(row, err)
}

// Retry implements [ports.JobQueue].
func (q *Queue) Retry(ctx context.Context, id int64) (ports.JobRecord, error) {
	row, err := q.client.JobRetry(ctx, id)
	return found(row, err)
}

func found(row *rivertype.JobRow, err error) (ports.JobRecord, error) {
	switch {
	case errors.Is(err, river.ErrNotFound):
		return ports.JobRecord{}, ports.ErrUnknownJob
	case err != nil:
		return ports.JobRecord{}, fmt.Errorf("job: %w", err)
	}
	return recordOf(row), nil
}

func recordOf(row *rivertype.JobRow) ports.JobRecord {
	var a args
	_ = json.Unmarshal(row.EncodedArgs, &a) // another release's may have no key
	record := ports.JobRecord{
		ID: row.ID, Kind: ports.JobKind(row.Kind), Key: a.Key, State: string(row.State), Attempt: row.Attempt, Attempts: row.MaxAttempts,
		CreatedAt: row.CreatedAt, ScheduledAt: row.ScheduledAt,
	}
	for _, e := range row.Errors {
		record.Failures = append(record.Failures, ports.JobFailure{At: e.At, Attempt: e.Attempt, Error: e.Error})
	}
	return record
}
