package commands

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

type incidentsCommand struct {
	List    listIncidents   `cmd:"" help:"List the sources that are held or noticed, or were, the youngest first."`
	Show    showIncident    `cmd:"" help:"Show what the source of an incident started and got: people, devices, tokens."`
	Contain containIncident `cmd:"" help:"End what the source of an incident got and started. Counts only, until --yes."`
	Release releaseIncident `cmd:"" help:"End an incident that is a false alarm, and let go of its source."`
}

func incidentID(text string) (uid.ID, error) {
	id, err := uid.Parse(text)
	if err != nil {
		return uid.ID{}, application.ErrNoSuchIncident
	}
	return id, nil
}

type listIncidents struct {
	Acting
	Page  int  `default:"1" help:"Which page."`
	Limit int  `default:"100" help:"Incidents on a page, at most 200."`
	JSON  bool `name:"json" help:"Print JSON, as the administrators' API answers."`
}

// Run prints a page of the list.
func (c listIncidents) Run(ctx context.Context, out io.Writer) error {
	page, err := application.NewPage(c.Page, c.Limit)
	if err != nil {
		return err
	}
	var list *application.ListIncidents
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		found, err := list.Execute(ctx, page)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.IncidentsJSON(page, found))
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tSOURCE\tNOTICED\tSTATE\tWHY")
		for _, i := range found.Incidents {
			if i.Unreadable != "" {
				fmt.Fprintf(table, "%s\t-\t-\tcannot be read: %s\t-\n", i.ID, printable(i.Unreadable))
				continue
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", i.ID, printable(i.Source.String()), minute(i.NoticedAt), incidentState(i), printable(i.Why))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d of %d incidents, page %d\n", len(found.Incidents), found.Total, page.Number())
		return err
	}, &list)
}

func incidentState(i application.DescribedIncident) string {
	state := string(i.State)
	switch i.State {
	case incident.Released:
		return "released by " + i.ReleasedBy + " " + minute(i.ReleasedAt)
	case incident.Held:
		state = "held until " + minute(i.HeldUntil)
	case incident.Noticed:
		state = "noticed, holds nothing"
	}
	switch {
	case i.Partly:
		state += ", partly contained by " + i.ContainedBy + " " + minute(i.ContainedAt)
	case !i.ContainedAt.IsZero():
		state += ", contained by " + i.ContainedBy + " " + minute(i.ContainedAt)
	}
	return state
}

type showIncident struct {
	Acting
	ID   string `arg:"" help:"Of the incident; list shows it."`
	JSON bool   `name:"json" help:"Print JSON, as the administrators' API answers."`
}

// Run prints one.
func (c showIncident) Run(ctx context.Context, out io.Writer) error {
	id, err := incidentID(c.ID)
	if err != nil {
		return err
	}
	var show *application.ShowIncident
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		found, err := show.Execute(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.IncidentJSON(found))
		}
		fmt.Fprintf(out, "Incident %s, %s\nSource: %s\nWhy: %s\nStarted there since %s:\n",
			found.ID, incidentState(found.DescribedIncident), printable(found.Source.String()), printable(found.Why), minute(found.Since))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "STARTED\tFROM\tCLIENT\tLABEL\tSTATE\tPERSON\tNETWORK\tTOKEN")
		for _, d := range found.Devices {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", minute(d.RequestedAt), orDash(addressText(d)), printable(d.ClientID), printable(d.Label),
				d.Status, orDash(printable(d.Subject.Email().String())), orDash(string(d.Where)), tokenOf(d))
		}
		return table.Flush()
	}, &show)
}

func addressText(d application.IncidentDevice) string {
	if !d.RequestedFrom.IsValid() {
		return ""
	}
	return d.RequestedFrom.String()
}

func tokenOf(d application.IncidentDevice) string {
	switch {
	case d.Token == nil:
		return "-"
	case d.Live:
		return d.Token.ID.String() + " live"
	}
	return d.Token.ID.String() + " ended"
}

type containIncident struct {
	Acting
	ID     string   `arg:"" help:"Of the incident; list shows it."`
	Near   bool     `help:"Also what was approved from the device's own network, for an attack inside it."`
	Person []string `placeholder:"EMAIL" help:"Only what this person approved, near or not. May be repeated."`
	Yes    bool     `help:"Do it. Without it, nothing changes."`
	DryRun bool     `help:"Count only, as without --yes."`
	JSON   bool     `name:"json" help:"Print JSON, as the administrators' API answers."`
}

// Run contains, or counts.
func (c containIncident) Run(ctx context.Context, out io.Writer) error {
	id, err := incidentID(c.ID)
	switch {
	case err != nil:
		return err
	case c.Yes && c.DryRun:
		return errYesAndDry
	}
	wanted := application.Containment{Incident: id, Near: c.Near, DryRun: !c.Yes}
	for _, address := range c.Person {
		email, err := identity.ParseEmail(address)
		if err != nil {
			return fmt.Errorf("--person %s: %w", printable(address), err)
		}
		wanted.People = append(wanted.People, email)
	}
	var contain *application.ContainIncident
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		done, err := contain.Execute(ctx, wanted, by, request.Origin{})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.ContainedJSON(!c.Yes, done))
		}
		_, err = fmt.Fprintf(out, containedText(c.Yes, done.State), done.Tokens, done.Approvals, done.Codes, orDash(printable(strings.Join(done.People, ", "))))
		return err
	}, &contain)
}

func containedText(done bool, state incident.State) string {
	switch {
	case done && state != incident.Held:
		return "Revoked %d tokens, withdrew %d approvals and ended %d waiting codes.\nPeople concerned: %s\nThe source is not held: contain again if it goes on.\n"
	case done:
		return "Revoked %d tokens, withdrew %d approvals and ended %d waiting codes.\nPeople concerned: %s\nThe source stays held; incidents release lets it go.\n"
	}
	return "This would revoke %d tokens, withdraw %d approvals and end %d waiting codes.\nPeople concerned: %s\nNothing was changed. Add --yes to do it; incidents show lists what is meant.\n"
}

type releaseIncident struct {
	Acting
	ID string `arg:"" help:"Of the incident; list shows it."`
}

// Run releases one.
func (c releaseIncident) Run(ctx context.Context, out io.Writer) error {
	id, err := incidentID(c.ID)
	if err != nil {
		return err
	}
	var release *application.ReleaseIncident
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		if err := release.Execute(ctx, id, by, request.Origin{}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "Released. People whose approvals were seen there are not suspected there any more.")
		return err
	}, &release)
}
