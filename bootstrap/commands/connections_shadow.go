package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// tryShadow lets an edit run beside the connection.
func tryShadow(ctx context.Context, out io.Writer, c editConnection, revision int64) error {
	var shadows *application.ShadowConnection
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		tried, err := shadows.Try(ctx, c.Slug, revision, c.change, as(by))
		printEdited(out, tried)
		if err := refused(out, tried.Report, err); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, `Nothing was changed. From now on live responses of connection %[1]s are judged with this change, too.
  devicegate connections show %[1]s         how they differ
  devicegate connections promote %[1]s      make the change
  devicegate connections drop-shadow %[1]s  forget it
`, c.Slug)
		return err
	}, &shadows)
}

func printEdited(out io.Writer, e application.Edited) {
	for _, d := range e.Changes {
		fmt.Fprintln(out, d)
	}
	for _, text := range e.Metadata {
		fmt.Fprintln(out, "metadata:", text)
	}
}

// printShadow tells how often the change that is tried would have judged otherwise,
// if there is one.
func printShadow(ctx context.Context, out io.Writer, shadows *application.ShadowConnection, slug string) error {
	s, err := shadows.Show(ctx, slug)
	if errors.Is(err, connection.ErrNoShadow) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nshadow: made %s by %s for revision %d\n", when(s.MadeAt), s.MadeBy, s.Revision)
	if s.Outdated {
		fmt.Fprintln(out, "warning the connection was changed since: the shadow cannot be promoted; make it anew")
	}
	for _, d := range s.Changes {
		fmt.Fprintf(out, "  %s\n", d)
	}
	fmt.Fprintf(out, "responses compared: %d, the same: %d\n", s.Compared, s.Same)
	for _, d := range s.Differences {
		fmt.Fprintf(out, "  %s %s %s: now %s, with the change %s\n", when(d.At), d.RequestID, d.What, printable(d.Now), printable(d.Shadow))
	}
	return nil
}

type promoteConnection struct {
	Slug string `arg:"" help:"As in the list."`
	Acting
}

// Run makes the change that was tried.
func (c promoteConnection) Run(ctx context.Context, out io.Writer) error {
	var shadows *application.ShadowConnection
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		edited, err := shadows.Promote(ctx, c.Slug, 0, as(by))
		printEdited(out, edited)
		if err := refused(out, edited.Report, err); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "Connection %s was changed and has revision %d. Replicas serve it within seconds.\n", c.Slug, edited.Revision)
		return err
	}, &shadows)
}

type dropShadow struct {
	Slug string `arg:"" help:"As in the list."`
	Acting
}

// Run forgets the change that was tried.
func (c dropShadow) Run(ctx context.Context, out io.Writer) error {
	var shadows *application.ShadowConnection
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		if err := shadows.Drop(ctx, c.Slug, 0, as(by)); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "The change of connection %s is not tried any more. The connection is as it was.\n", c.Slug)
		return err
	}, &shadows)
}
