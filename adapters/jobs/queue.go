package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/ports"
)

// Database is where the queue is: the store's database.
type Database struct {
	*sql.DB
	Postgres bool            // else SQLite
	Tracer   *tracing.Tracer // nil: no spans
}

func (d Database) driver() riverdriver.Driver[*sql.Tx] {
	if d.Postgres {
		return shortTerms{riverdatabasesql.New(d.DB)}
	}
	return shortTerms{riversqlite.New(d.DB)}
}

// HasLeader reports whether a worker keeps the schedule now.
func (d Database) HasLeader(ctx context.Context) (bool, error) {
	var leaders int
	if err := d.QueryRowContext(ctx, "SELECT count(*) FROM river_leader WHERE expires_at > CURRENT_TIMESTAMP").Scan(&leaders); err != nil {
		return false, fmt.Errorf("job queue: %w", err)
	}
	return leaders > 0, nil
}

// Count is how many jobs of a kind are in a state.
type Count struct {
	Kind, State string
	Jobs        int64
}

// Counts are those of all jobs that are kept.
func (d Database) Counts(ctx context.Context) ([]Count, error) {
	rows, err := d.QueryContext(ctx, "SELECT kind, CAST(state AS TEXT), count(*) FROM river_job GROUP BY kind, state")
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Count
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Kind, &c.State, &c.Jobs); err != nil {
			return nil, fmt.Errorf("job queue: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Queue adds jobs to transactions of the store.
type Queue struct {
	client *river.Client[*sql.Tx]
	tracer *tracing.Tracer
}

// NewQueue makes the queue of a database. The database need not answer yet.
func NewQueue(db Database) (*Queue, error) {
	client, err := river.NewClient(db.driver(), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &Queue{client, db.Tracer}, nil
}

// args are what River keeps of a job.
type args struct {
	kind ports.JobKind
	Key  string `json:"key"`
}

// Kind implements [river.JobArgs].
func (a args) Kind() string { return string(a.kind) }

// unfinished are the states of a job that waits or runs.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// noticeQueue is apart: nothing waits for a mail server.
const noticeQueue = "notices"

// Enqueue adds a job when tx commits, unless one of its kind and key is there.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, job ports.Job) error {
	options := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}, Metadata: q.cause(ctx)}
	if job.Kind == ports.SendNotice {
		options.Queue, options.MaxAttempts = noticeQueue, notice.Attempts
	}
	_, err := q.client.InsertTx(ctx, tx, args{job.Kind, job.Key}, options)
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", job.Kind, err)
	}
	return nil
}

// listMax is how many jobs are read at once.
const listMax = 1000

// Unfinished are jobs of a kind that wait or run, the oldest first.
func (q *Queue) Unfinished(ctx context.Context, tx *sql.Tx, kind ports.JobKind) ([]ports.Job, error) {
	found, err := q.client.JobListTx(ctx, tx, river.NewJobListParams().
		Kinds(string(kind)).States(unfinished...).OrderBy(river.JobListOrderByID, river.SortOrderAsc).First(listMax))
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs := make([]ports.Job, len(found.Jobs))
	for i, row := range found.Jobs {
		var a args
		if err := json.Unmarshal(row.EncodedArgs, &a); err != nil {
			return nil, fmt.Errorf("job %d: %w", row.ID, err)
		}
		jobs[i] = ports.Job{Kind: ports.JobKind(row.Kind), Key: a.Key}
	}
	return jobs, nil
}
