package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/uptrace/bun/dialect"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/jobs"
)

type jobsCommand struct {
	List  listJobs `cmd:"" help:"List the jobs that wait, run or were given up."`
	Show  showJob  `cmd:"" help:"Show a job and how it failed, as JSON."`
	Retry retryJob `cmd:"" help:"Let a job run at once, also one that was given up."`
}

type listJobs struct {
	All bool `help:"Those that are done, too."`
}

// Run prints a table.
func (c listJobs) Run(ctx context.Context, out io.Writer) error {
	return withQueue(func(q *jobs.Queue) error {
		list, err := q.List(ctx, c.All)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tKIND\tKEY\tSTATE\tATTEMPT\tDUE")
		for _, j := range list {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d of %d\t%s\n", j.ID, j.Kind, strings.ToValidUTF8(j.Key, "?"), j.State, j.Attempt, j.Attempts, j.ScheduledAt.UTC().Format(time.RFC3339))
		}
		return table.Flush()
	})
}

type showJob struct {
	ID int64 `arg:"" help:"As in the list and in the log."`
}

// Run prints one job.
func (c showJob) Run(ctx context.Context, out io.Writer) error {
	return withQueue(func(q *jobs.Queue) error {
		job, err := q.Show(ctx, c.ID)
		if err != nil {
			return err
		}
		return printJSON(out, job)
	})
}

type retryJob struct {
	ID int64 `arg:"" help:"As in the list and in the log."`
}

// Run prints the job as it is then.
func (c retryJob) Run(ctx context.Context, out io.Writer) error {
	return withQueue(func(q *jobs.Queue) error {
		job, err := q.Retry(ctx, c.ID)
		if err != nil {
			return err
		}
		return printJSON(out, job)
	})
}

func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// withQueue uses the queue of the configured database.
func withQueue(use func(*jobs.Queue) error) error {
	c, err := loadInstallation()
	if err != nil {
		return err
	}
	db, err := database.Open(c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	queue, err := jobs.NewQueue(jobs.Database{DB: db.DB, Postgres: db.Dialect().Name() == dialect.PG})
	if err != nil {
		return err
	}
	return use(queue)
}
