package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/setting"
)

type exportConnections struct {
	All bool `help:"Those of CONNECTIONS_FILE, too."`
}

// Run prints YAML.
func (c exportConnections) Run(ctx context.Context, out io.Writer) error {
	var list *application.ListConnections
	return look(ctx, func() error {
		found, err := list.Execute(ctx)
		if err != nil {
			return err
		}
		var all []connection.Connection
		for _, one := range found {
			if c.All || one.Owner == connection.Database {
				all = append(all, one.Connection)
			}
		}
		text, err := files.Write(all)
		if err != nil {
			return err
		}
		_, err = out.Write(text)
		return err
	}, &list)
}

type applyConnections struct {
	File  string `required:"" short:"f" placeholder:"FILE" help:"In the format of CONNECTIONS_FILE; /dev/stdin is one, too."`
	Prune bool   `help:"Remove from the database what the file does not list."`
	Yes   bool   `help:"Really do it, all of it in one transaction."`
	Acting
}

// driftError is told by its exit code, for scripts that look for drift.
type driftError struct{}

func (driftError) Error() string { return "the database differs from the file; repeat this with --yes" }

// ExitCode implements [kong.ExitCoder].
func (driftError) ExitCode() int { return 3 }

// Run prints the differences. Without --yes it fails if there are any.
func (c applyConnections) Run(ctx context.Context, out io.Writer) error {
	wanted, err := files.ReadAs(c.File, c.File, func(connection.Connection) error { return nil })
	if err != nil {
		return err
	}
	var apply *application.ApplyConnections
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		plan, err := apply.Execute(ctx, wanted, c.Prune, !c.Yes, as(by))
		if said := printInvalid(out, err); said {
			return errRefused
		}
		printPlan(out, plan)
		switch {
		case err != nil:
			return fmt.Errorf("nothing was changed: %w", err)
		case len(plan.Steps) == 0:
			_, err = fmt.Fprintln(out, "The database has what the file lists.")
		case !c.Yes:
			return driftError{}
		default:
			_, err = fmt.Fprintf(out, "%d changes were made, in one transaction. Replicas serve them within seconds.\n", len(plan.Steps))
		}
		return err
	}, &apply)
}

// printInvalid lists what is wrong with which connections.
func printInvalid(out io.Writer, err error) (said bool) {
	for _, one := range setting.Split(err) {
		var invalid *application.InvalidConnectionError
		if errors.As(one, &invalid) {
			printFindings(out, invalid.Slug+": ", invalid.Problems, nil)
			said = true
		}
	}
	return said
}

// printPlan prints lines that begin as those of a diff do.
func printPlan(out io.Writer, plan application.Plan) {
	for _, step := range plan.Steps {
		sign := map[application.StepKind]string{application.StepAdd: "+", application.StepEdit: "~", application.StepRemove: "-"}[step.Do]
		fmt.Fprintf(out, "%s %s\n", sign, step.Slug)
		for _, d := range step.Changes {
			if step.Do == application.StepAdd {
				if d.Setting != "slug" {
					fmt.Fprintf(out, "    %s: %s\n", d.Setting, d.After)
				}
				continue
			}
			fmt.Fprintf(out, "    %s\n", d)
		}
		for _, text := range step.Metadata {
			fmt.Fprintf(out, "    metadata: %s\n", text)
		}
		printFindings(out, "    ", nil, step.Warnings)
	}
	if len(plan.Unlisted) > 0 {
		fmt.Fprintf(out, "Not in the file, and kept without --prune: %s\n", strings.Join(plan.Unlisted, ", "))
	}
	if plan.Unchanged > 0 {
		fmt.Fprintf(out, "As in the file: %d\n", plan.Unchanged)
	}
}
