package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
)

type jobsCommand struct {
	List  listJobs `cmd:"" help:"List the jobs that wait, run or were given up."`
	Show  showJob  `cmd:"" help:"Show a job and how it failed, as JSON."`
	Retry retryJob `cmd:"" help:"Let a job run at once, also one that was given up."`
}

type listJobs struct {
	Acting
	All bool `help:"Those that are done, too."`
}

// Run prints a table.
func (c listJobs) Run(ctx context.Context, out io.Writer) error {
	var jobs *application.ListJobs
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		list, err := jobs.Execute(ctx, c.All)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tKIND\tKEY\tSTATE\tATTEMPT\tDUE")
		for _, j := range list {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d of %d\t%s\n", j.ID, j.Kind, strings.ToValidUTF8(j.Key, "?"), j.State, j.Attempt, j.Attempts, j.ScheduledAt.UTC().Format(time.RFC3339))
		}
		return table.Flush()
	}, &jobs)
}

type showJob struct {
	Acting
	ID int64 `arg:"" help:"As in the list and in the log."`
}

// Run prints one job.
func (c showJob) Run(ctx context.Context, out io.Writer) error {
	var jobs *application.ListJobs
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		job, err := jobs.Show(ctx, c.ID)
		if err != nil {
			return err
		}
		return printJSON(out, adminapi.JobJSON(job))
	}, &jobs)
}

type retryJob struct {
	Acting
	ID int64 `arg:"" help:"As in the list and in the log."`
}

// Run prints the job as it is then.
func (c retryJob) Run(ctx context.Context, out io.Writer) error {
	var retry *application.RetryJob
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		job, err := retry.Execute(ctx, c.ID, by, request.Origin{})
		if err != nil {
			return err
		}
		return printJSON(out, adminapi.JobJSON(job))
	}, &retry)
}

func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
