package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

type tokensCommand struct {
	List   listTokens   `cmd:"" help:"List the tokens that match a filter, the newest first."`
	Show   showToken    `cmd:"" help:"Show one token."`
	Revoke revokeTokens `cmd:"" help:"Revoke one token, or all that match a filter. Counts only, until --yes."`
}

// tokenFilter is a [token.FilterText] as flags; nil: not given.
type tokenFilter struct {
	Subject      *string `placeholder:"EMAIL" help:"Of this person."`
	Issuer       *string `placeholder:"ENTITY-ID" help:"Of people who signed in at this identity provider."`
	Connection   *string `placeholder:"SLUG" help:"Approved by people who signed in through this connection."`
	Client       *string `placeholder:"ID" help:"Of this client."`
	Label        *string `placeholder:"LABEL" help:"Of devices with this label."`
	IssuedAfter  *string `placeholder:"TIME" help:"Issued at this time or later: 2026-11-28T15:04:05Z, or 2026-11-28 (UTC)."`
	IssuedBefore *string `placeholder:"TIME" help:"Issued before this time."`
	UsedAfter    *string `placeholder:"TIME" help:"Last used at this time or later."`
	UsedBefore   *string `placeholder:"TIME" help:"Not used since this time; a token that was never used counts by its issue."`
	From         *string `placeholder:"NETWORK" help:"Fetched from this network or address, for instance 192.0.2.0/24."`
}

func (f tokenFilter) parse() (token.Filter, error) {
	given := token.FilterText{}
	for name, value := range map[string]*string{
		"subject_email": f.Subject, "subject_issuer": f.Issuer, "connection": f.Connection, "client_id": f.Client, "device_label": f.Label,
		"issued_after": f.IssuedAfter, "issued_before": f.IssuedBefore, "used_after": f.UsedAfter, "used_before": f.UsedBefore, "fetched_from": f.From,
	} {
		if value != nil {
			given[name] = *value
		}
	}
	filter, err := token.ParseFilter(given)
	if refusal, ok := fault.Of(err); ok {
		err = refusal.Saying(flagNames.Replace(refusal.Message))
	}
	return filter, err
}

// flagNames says in a refusal what the fields of a filter are called here.
var flagNames = strings.NewReplacer(
	"subject_email", "--subject", "subject_issuer", "--issuer", "connection", "--connection", "client_id", "--client", "device_label", "--label",
	"issued_after", "--issued-after", "issued_before", "--issued-before", "used_after", "--used-after", "used_before", "--used-before", "fetched_from", "--from",
)

type listTokens struct {
	tokenFilter
	Acting
	Ended bool `help:"Those that are revoked or expired, too."`
	Page  int  `default:"1" help:"Which page."`
	Limit int  `default:"100" help:"Tokens on a page, at most 200."`
	JSON  bool `name:"json" help:"Print JSON, as the administrators' API answers."`
}

// Run prints a page of the list.
func (c listTokens) Run(ctx context.Context, out io.Writer) error {
	wanted, err := c.parse()
	if err != nil {
		return err
	}
	page, err := application.NewPage(c.Page, c.Limit)
	if err != nil {
		return err
	}
	var list *application.ListTokens
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		found, err := list.Execute(ctx, wanted, c.Ended, page)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.TokensJSON(page, found))
		}
		if err := printTokens(out, found.Tokens); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d of %d tokens, page %d\n", len(found.Tokens), found.Total, page.Number())
		return err
	}, &list)
}

func printTokens(out io.Writer, tokens []application.DescribedToken) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSUBJECT\tISSUER\tCLIENT\tLABEL\tFROM\tISSUED\tLAST USED\tEXPIRES\tSTATE")
	for _, t := range tokens {
		from := "-"
		if t.FetchedFrom.IsValid() {
			from = t.FetchedFrom.String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, printable(t.Device.Email.String()), printable(t.Device.Issuer),
			printable(t.Device.ClientID), printable(t.Device.Label), from, minute(t.CreatedAt), minute(t.LastUsedAt), minute(t.ExpiresAt), stateOf(t))
	}
	return table.Flush()
}

func stateOf(t application.DescribedToken) string {
	switch {
	case t.Live:
		return "live"
	case !t.RevokedAt.IsZero():
		return "ended " + minute(t.RevokedAt)
	}
	return "expired"
}

func minute(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02T15:04Z")
}

// printable replaces what could steer a terminal or reorder a line: clients
// choose labels, and another issuer's rows hold anything.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, text)
}

type showToken struct {
	Acting
	ID   string `arg:"" help:"The token's ID, as the list, clients and audit events show it."`
	JSON bool   `name:"json" help:"Print JSON, as the administrators' API answers."`
}

// Run prints the token.
func (c showToken) Run(ctx context.Context, out io.Writer) error {
	id, err := tokenID(c.ID)
	if err != nil {
		return err
	}
	var show *application.ShowToken
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		found, err := show.Execute(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.TokenJSON(found))
		}
		return printTokens(out, []application.DescribedToken{found})
	}, &show)
}

func tokenID(text string) (uid.ID, error) {
	id, err := uid.Parse(text)
	if err != nil {
		return uid.ID{}, application.ErrNoSuchToken
	}
	return id, nil
}

type revokeTokens struct {
	tokenFilter
	Acting
	ID     *string `arg:"" optional:"" help:"One token, instead of a filter."`
	All    bool    `help:"Every token; without a filter."`
	Yes    bool    `help:"Do it. Without it, nothing changes."`
	DryRun bool    `help:"Count only, as without --yes."`
	JSON   bool    `name:"json" help:"Print JSON, as the administrators' API answers."`
}

var (
	errIDAndFilter = errors.New("an ID and a filter are given; leave one of them out")
	errYesAndDry   = errors.New("--yes and --dry-run contradict each other; leave one of them out")
)

// Run revokes, or counts.
func (c revokeTokens) Run(ctx context.Context, out io.Writer) error {
	wanted, err := c.parse()
	switch {
	case err != nil:
		return err
	case c.Yes && c.DryRun:
		return errYesAndDry
	case c.ID != nil && (c.All || !wanted.IsZero()):
		return errIDAndFilter
	case c.ID != nil:
		return c.one(ctx, out, *c.ID)
	}
	switch err := wanted.CheckExplicit(c.All); {
	case errors.Is(err, token.ErrEmptyFilter):
		return token.ErrEmptyFilter.Saying("No filter is given, which would end every token. Give one, or --all.")
	case err != nil:
		return err
	}
	var revoke *application.RevokeTokens
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		done, err := revoke.Execute(ctx, application.Revocation{Filter: wanted, All: c.All, DryRun: !c.Yes}, by, request.Origin{})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.RevokedJSON(!c.Yes, done))
		}
		_, err = fmt.Fprintf(out, revokedText(c.Yes), done.Tokens, done.Devices)
		return err
	}, &revoke)
}

func revokedText(done bool) string {
	if done {
		return "Revoked %d tokens, and turned %d devices away that were approved and had no token yet.\n"
	}
	return "This would revoke %d tokens, and turn %d devices away that were approved and have no token yet.\nNothing was changed. Add --yes to do it; tokens list shows what matches.\n"
}

// one revokes one token, or shows it.
func (c revokeTokens) one(ctx context.Context, out io.Writer, text string) error {
	id, err := tokenID(text)
	if err != nil {
		return err
	}
	var show *application.ShowToken
	var end *application.EndToken
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		before, err := show.Execute(ctx, id)
		if err != nil {
			return err
		}
		revoked := application.Revoked{}
		if before.Live {
			revoked.Tokens = 1
		}
		if c.Yes {
			changed, err := end.Execute(ctx, id, by, request.Origin{})
			if err != nil {
				return err
			}
			if revoked.Tokens = 0; changed {
				revoked.Tokens = 1
			}
		}
		if c.JSON {
			return printJSON(out, adminapi.RevokedJSON(!c.Yes, revoked))
		}
		text := "The token had ended already; nothing was changed."
		switch {
		case revoked.Tokens == 1 && c.Yes:
			text = "Revoked the token."
		case revoked.Tokens == 1:
			text = "This would revoke the token. Nothing was changed. Add --yes to do it."
		}
		if err := printTokens(out, []application.DescribedToken{before}); err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, text)
		return err
	}, &show, &end)
}
