package commands

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/adapters/acsui"
	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/bootstrap/config"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
)

type migrationCommand struct {
	Status  moveStatus  `cmd:"" help:"Show how far each connection is on its way to the canonical callback."`
	Text    moveText    `cmd:"" help:"Print what the identity provider's administrator has to do."`
	Test    moveTest    `cmd:"" help:"Make a link by which one person tries the canonical callback out. If it works, the connection is moved."`
	Advance moveAdvance `cmd:"" help:"Make the requests of connections name the canonical callback."`
	Revert  moveRevert  `cmd:"" help:"Make the requests of connections name what acs_mount says again."`
	Close   moveClose   `cmd:"" help:"Check that no connection needs the legacy callback, before LEGACY_ROUTES=off."`
}

type moveStatus struct {
	Connection string `arg:"" optional:"" help:"Slug; everything about this one."`
	JSON       bool   `help:"JSON instead of a table."`
	Acting
}

// Run prints a table, or one connection.
func (c moveStatus) Run(ctx context.Context, out io.Writer) error {
	var uc *application.ACSStatus
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		states, err := uc.Execute(ctx)
		if err != nil {
			return err
		}
		if c.Connection != "" {
			if states, err = only(states, c.Connection); err != nil {
				return err
			}
		}
		switch {
		case c.JSON:
			return printJSON(out, adminapi.MovesJSON(states))
		case c.Connection != "":
			return printState(out, states[0])
		}
		return printStates(out, states)
	}, &uc)
}

func only(states []application.ACSState, slug string) ([]application.ACSState, error) {
	for _, s := range states {
		if s.Connection.Slug() == slug {
			return []application.ACSState{s}, nil
		}
	}
	return nil, fmt.Errorf("connection %s: %w", slug, connection.ErrUnknown)
}

func printStates(out io.Writer, states []application.ACSState) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONNECTION\tREQUESTS NAME\tVERDICT\tLAST GOOD, LEGACY\tLAST GOOD, CANONICAL\tLAST TEST\tNEEDS LEGACY")
	for _, s := range states {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Connection.Slug(), s.Advertised, s.Verdict,
			when(s.Ledger.Legacy.LastSuccessAt), when(s.Ledger.Canonical.LastSuccessAt), orDash(string(s.Test)), yesNo(s.Needs != ""))
	}
	return table.Flush()
}

func printState(out io.Writer, s application.ACSState) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	set, move := s.Connection.Settings(), s.Ledger.Move
	line("connection", "%s (%s)", set.Slug, set.Name)
	line("registered", "%s (acs_mount)", set.ACSMount)
	line("requests name", "%s", s.Advertised)
	if !move.MovedAt.IsZero() {
		line("moved", "%s by %s", when(move.MovedAt), move.MovedBy)
	}
	line("verdict", "%s", s.Verdict)
	line("needs legacy", "%s", orDash(s.Needs))
	for _, on := range []connection.Mount{connection.Legacy, connection.Canonical} {
		t := s.Ledger.Traffic(on)
		line(string(on), "%d requests, the last %s; %d good, the last %s; %d refused", t.Requests, when(t.LastRequestAt), t.Succeeded, when(t.LastSuccessAt), t.Failed)
		if t.Failed > 0 {
			line("", "last refused %s: %s", when(t.LastFailureAt), t.LastFailureReason)
		}
	}
	if t := move.Test; s.Test != acsmove.NoTest {
		line("last test", "%s; made %s by %s", s.Test, when(t.MadeAt), t.MadeBy)
		switch s.Test {
		case acsmove.TestFailed:
			line("", "%s", strings.TrimSuffix(t.Reason+": "+t.Detail, ": "))
		case acsmove.TestUnanswered:
			line("", "opened %s; the identity provider probably showed its own error page", when(t.OpenedAt))
		case acsmove.TestPassed:
			line("", "asserted %s, issuer %s", t.Subject.Email(), t.Subject.Issuer())
		}
	}
	return table.Flush()
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type moveText struct {
	Connection string `arg:"" help:"Slug."`
	IdP        string `name:"idp" default:"auto" enum:"auto,okta,entra,google,adfs,ping,onelogin,jumpcloud,keycloak,simplesamlphp,shibboleth,unknown" help:"The product, if it is not recognised: ${enum}."`
	Acting
}

// Run prints the instructions for the identity provider's administrator.
func (c moveText) Run(ctx context.Context, out io.Writer) error {
	var uc *application.ACSInstructions
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		name := c.IdP
		if name == "auto" {
			name = ""
		}
		text, _, err := uc.Execute(ctx, c.Connection, name)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, text)
		return err
	}, &uc)
}

type moveTest struct {
	Connection string `arg:"" help:"Slug."`
	Acting
}

// Run prints the link.
func (c moveTest) Run(ctx context.Context, out io.Writer) error {
	var cfg config.Config
	var uc *application.TestACS
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		made, err := uc.Execute(ctx, c.Connection, by, request.Origin{})
		if err != nil {
			return fmt.Errorf("connection %s: %w", c.Connection, err)
		}
		_, err = fmt.Fprintf(out, `Open this in a browser and sign in. It works once, until %s:

  %s

Then look at: devicegate migration status %s
`, when(made.ExpiresAt), acsui.LinkURL(cfg.PublicURL.String(), made.Link), c.Connection)
		return err
	}, &cfg, &uc)
}

type moveAdvance struct {
	Connections []string `arg:"" optional:"" help:"Slugs."`
	AllProven   bool     `help:"All connections that have had a good sign-in on the canonical callback."`
	Unproven    bool     `help:"Also without such a sign-in."`
	Yes         bool     `help:"Do it; without this the command only says what it would do."`
	Acting
}

// Run moves connections.
func (c moveAdvance) Run(ctx context.Context, out io.Writer) error {
	if c.AllProven == (len(c.Connections) > 0) {
		return fmt.Errorf("name connections, or use --all-proven")
	}
	return advance(ctx, out, c.Acting, c.Yes, application.Advance{Connections: c.Connections, Unproven: c.Unproven})
}

type moveRevert struct {
	Connections []string `arg:"" help:"Slugs."`
	Yes         bool     `help:"Do it; without this the command only says what it would do."`
	Acting
}

// Run moves connections back.
func (c moveRevert) Run(ctx context.Context, out io.Writer) error {
	return advance(ctx, out, c.Acting, c.Yes, application.Advance{Connections: c.Connections, Back: true})
}

func advance(ctx context.Context, out io.Writer, as Acting, yes bool, in application.Advance) error {
	var uc *application.AdvanceACS
	return administer(ctx, as, func(ctx context.Context, by audit.Actor) error {
		in.By, in.DryRun = by, !yes
		slugs, err := uc.Execute(ctx, in)
		if err != nil {
			return err
		}
		did := "Moved"
		switch {
		case len(slugs) == 0:
			_, err = fmt.Fprintln(out, "There is nothing to move.")
			return err
		case !yes:
			did = "With --yes this would move"
		}
		if in.Back {
			did += " back"
		}
		_, err = fmt.Fprintf(out, "%s: %s\n", did, strings.Join(slugs, ", "))
		return err
	}, &uc)
}

type moveClose struct {
	Yes bool `help:"Put it on record; without this the command only checks."`
	Acting
}

// Run says whether the legacy callback can be switched off.
func (c moveClose) Run(ctx context.Context, out io.Writer) error {
	var uc *application.CloseLegacyACS
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		if err := uc.Execute(ctx, application.Closing{DryRun: !c.Yes, By: by}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "No connection needs the legacy callback. Set LEGACY_ROUTES=off and restart the replicas one after another.")
		return err
	}, &uc)
}
