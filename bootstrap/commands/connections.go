package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// connectionCommands are those about identity providers.
type connectionCommands struct {
	Connections connectionsCommand `cmd:"" help:"Add, change and watch identity providers that the database has; see how all of them do."`
}

type connectionsCommand struct {
	List    listConnections   `cmd:"" help:"List identity providers: whose they are, their domains, and how their metadata does."`
	Show    showConnection    `cmd:"" help:"Show everything about one, with its keys."`
	Add     addConnection     `cmd:"" help:"Add one by its metadata, after everything about it was checked."`
	Edit    editConnection    `cmd:"" help:"Change one, or try a change with --shadow. What is not given stays."`
	Promote promoteConnection `cmd:"" help:"Make the change of one that was tried with edit --shadow."`
	Drop    dropShadow        `cmd:"" name:"drop-shadow" help:"Forget the change of one that was tried with edit --shadow."`
	Remove  removeConnection  `cmd:"" help:"Remove one. Says only what would happen, without --yes."`
	Test    testConnection    `cmd:"" help:"Fetch the metadata of one anew and say what is wrong with it. Changes nothing."`
	Refresh refreshConnection `cmd:"" help:"Fetch the metadata of one now, and show what changed."`
	Export  exportConnections `cmd:"" help:"Print those of the database in the format of CONNECTIONS_FILE."`
	Apply   applyConnections  `cmd:"" help:"Make those of the database those of a file. Shows the differences only, without --yes."`
}

// as is the administrator of an act, for use cases.
func as(actor audit.Actor) connection.Author { return connection.Author{Actor: actor} }

type listConnections struct{}

// Run prints a table, and below it what is wrong.
func (listConnections) Run(ctx context.Context, out io.Writer) error {
	var list *application.ListConnections
	return look(ctx, func() error {
		all, err := list.Execute(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "SLUG\tFROM\tREVISION\tBROKER\tDOMAINS\tACS_MOUNT\tMETADATA\tSTATE")
		for _, c := range all {
			s := c.Connection.Settings()
			revision := "-"
			if c.Stored.Revision > 0 {
				revision = fmt.Sprint(c.Stored.Revision)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Slug, c.Owner, revision, s.Broker, shortened(s.Domains), s.ACSMount, fetched(c), healthOf(c))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, c := range all {
			printFindings(out, c.Connection.Slug()+": ", c.Problems, c.Warnings)
		}
		return nil
	}, &list)
}

func shortened(domains []string) string {
	if len(domains) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(domains[:3], ","), len(domains)-3)
	}
	return strings.Join(domains, ",")
}

func fetched(c application.ConnectionState) string {
	switch s := c.Connection.Settings(); {
	case s.Broker != connection.SAML:
		return "-"
	case s.SAML.MetadataURL == "":
		return "document"
	case c.Copy.FetchedAt.IsZero():
		return "not yet"
	}
	return c.Copy.FetchedAt.UTC().Format(time.RFC3339)
}

func healthOf(c application.ConnectionState) string {
	switch {
	case len(c.Problems) > 0:
		return "sign-ins fail"
	case len(c.Warnings) > 0:
		return "see below"
	}
	return "good"
}

func printFindings(out io.Writer, about string, problems, warnings []string) {
	for _, text := range problems {
		fmt.Fprintf(out, "%sPROBLEM %s\n", about, text)
	}
	for _, text := range warnings {
		fmt.Fprintf(out, "%swarning %s\n", about, text)
	}
}

type showConnection struct {
	Slug string `arg:"" help:"As in the list."`
}

// Run prints the settings as the file has them, and what is known besides.
func (c showConnection) Run(ctx context.Context, out io.Writer) error {
	var list *application.ListConnections
	var shadows *application.ShadowConnection
	return look(ctx, func() error {
		found, err := list.Find(ctx, c.Slug)
		if err != nil {
			return err
		}
		text, err := files.Write([]connection.Connection{found.Connection})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\nfrom: %s\n", strings.TrimSpace(string(text)), found.Owner)
		if s := found.Stored; s.Revision > 0 {
			fmt.Fprintf(out, "revision: %d\nchanged: %s by %s\n", s.Revision, s.ChangedAt.UTC().Format(time.RFC3339), s.ChangedBy)
		}
		printMetadata(out, found.Metadata)
		if k := found.Copy; !k.FetchedAt.IsZero() {
			fmt.Fprintf(out, "metadata fetched: %s, the same since %s\n", k.FetchedAt.UTC().Format(time.RFC3339), k.SeenAt.UTC().Format(time.RFC3339))
		}
		printFindings(out, "", found.Problems, found.Warnings)
		return printShadow(ctx, out, shadows, c.Slug)
	}, &list, &shadows)
}

func printMetadata(out io.Writer, m connection.Metadata) {
	if m.EntityID == "" {
		return
	}
	fmt.Fprintf(out, "entityID: %s\nbindings: %s\n", m.EntityID, strings.Join(m.Bindings, " "))
	if !m.ValidUntil.IsZero() {
		fmt.Fprintf(out, "valid until: %s\n", m.ValidUntil.UTC().Format(time.RFC3339))
	}
	for _, k := range m.Keys {
		fmt.Fprintf(out, "key: %s", k)
		if !k.NotAfter.IsZero() {
			fmt.Fprintf(out, ", %s, until %s", k.Subject, k.NotAfter.UTC().Format(time.RFC3339))
		}
		fmt.Fprintln(out)
	}
}

type addConnection struct {
	Slug string `arg:"" help:"Names it for ever, in addresses and logs: a-z, 0-9, -."`
	connectionFlags
	DryRun bool `help:"Only check."`
	Acting
}

// Run says everything that is wrong, or what was added.
func (c addConnection) Run(ctx context.Context, out io.Writer) error {
	settings := connection.Settings{Slug: c.Slug}
	if err := c.change(&settings); err != nil {
		return err
	}
	var add *application.AddConnection
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		report, err := add.Execute(ctx, settings, c.DryRun, as(by))
		if err := refused(out, report, err); err != nil {
			return err
		}
		printMetadata(out, report.Metadata)
		said := "Connection %s was added. Replicas serve it within seconds.\n"
		if c.DryRun {
			said = "Connection %s can be added. Nothing was changed.\n"
		}
		_, err = fmt.Fprintf(out, said, c.Slug)
		return err
	}, &add)
}

var errRefused = errors.New("nothing was changed; see above")

// refused prints what was found, and words the error.
func refused(out io.Writer, r application.ConnectionReport, err error) error {
	printFindings(out, "", r.Problems, r.Warnings)
	if errors.As(err, new(*application.InvalidConnectionError)) && len(r.Problems) > 0 {
		return errRefused
	}
	return err
}

type editConnection struct {
	Slug string `arg:"" help:"As in the list."`
	connectionFlags
	Revision *int64 `help:"The revision that you have read: the edit is refused if it was changed since."`
	DryRun   bool   `help:"Only check, and show the differences." xor:"really"`
	Shadow   bool   `help:"Only try the change: live responses are judged with it, too, and connections show tells the differences." xor:"really"`
	Acting
}

// Run shows the differences.
func (c editConnection) Run(ctx context.Context, out io.Writer) error {
	revision, err := atRevision(c.Revision)
	if err != nil {
		return err
	}
	if c.Shadow {
		return tryShadow(ctx, out, c, revision)
	}
	var edit *application.EditConnection
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		edited, err := edit.Execute(ctx, c.Slug, revision, c.change, c.DryRun, as(by))
		printEdited(out, edited)
		if err := refused(out, edited.Report, err); err != nil {
			return err
		}
		said := "Connection %s was changed and has revision %d. Replicas serve it within seconds.\n"
		if c.DryRun {
			said = "Connection %s can be changed. Nothing was; it has revision %d.\n"
		}
		_, err = fmt.Fprintf(out, said, c.Slug, edited.Revision)
		return err
	}, &edit)
}

type removeConnection struct {
	Slug     string `arg:"" help:"As in the list."`
	Revision *int64 `help:"The revision that you have read: it stays if it was changed since."`
	Yes      bool   `help:"Really remove it."`
	Acting
}

// Run says what goes.
func (c removeConnection) Run(ctx context.Context, out io.Writer) error {
	revision, err := atRevision(c.Revision)
	if err != nil {
		return err
	}
	var remove *application.RemoveConnection
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		was, err := remove.Execute(ctx, c.Slug, revision, !c.Yes, as(by))
		if err != nil {
			return err
		}
		domains := strings.Join(was.Connection().Settings().Domains, ", ")
		if !c.Yes {
			_, err = fmt.Fprintf(out, "Connection %s would be removed: sign-ins of %s end. Tokens stay. Repeat this with --yes.\n", c.Slug, domains)
			return err
		}
		_, err = fmt.Fprintf(out, "Connection %s was removed: sign-ins of %s end within seconds. Tokens stay.\n", c.Slug, domains)
		return err
	}, &remove)
}

type testConnection struct {
	Slug string `arg:"" help:"As in the list."`
}

// Run prints what was found, and fails if sign-ins would.
func (c testConnection) Run(ctx context.Context, out io.Writer) error {
	var test *application.TestConnection
	return look(ctx, func() error {
		report, err := test.Execute(ctx, c.Slug)
		if err != nil {
			return err
		}
		printMetadata(out, report.Metadata)
		printFindings(out, "", report.Problems, report.Warnings)
		if len(report.Problems) > 0 {
			return fmt.Errorf("connection %s has problems; see above", c.Slug)
		}
		_, err = fmt.Fprintf(out, "Connection %s is good. A sign-in shows the rest.\n", c.Slug)
		return err
	}, &test)
}

type refreshConnection struct {
	Slug string `arg:"" help:"As in the list."`
	Acting
}

// Run fails if there is nothing newer than before.
func (c refreshConnection) Run(ctx context.Context, out io.Writer) error {
	var refresh *application.RefreshMetadata
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		got, err := refresh.Execute(ctx, c.Slug, as(by))
		if err != nil {
			return err
		}
		for _, text := range got.Changes {
			fmt.Fprintln(out, text)
		}
		switch {
		case got.Failure != "" && got.Copy.SeenAt.IsZero():
			return errors.New(got.Failure)
		case got.Failure != "":
			return fmt.Errorf("%s; the last good copy, of %s, stays in use", got.Failure, got.Copy.FetchedAt.UTC().Format(time.RFC3339))
		case len(got.Changes) == 0:
			_, err = fmt.Fprintf(out, "The metadata of connection %s says what it said before.\n", c.Slug)
		default:
			_, err = fmt.Fprintf(out, "The metadata of connection %s was taken up. Replicas use it within seconds.\n", c.Slug)
		}
		return err
	}, &refresh)
}
