package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

type logoutCommand struct {
	serverFlag
	Local bool `help:"Forget the token without telling the server, where it stays good until it expires."`
}

// Run ends the session.
func (l logoutCommand) Run(ctx context.Context, out io.Writer) error { return with(ctx, out, l.run) }

func (l logoutCommand) run(ctx context.Context, t tool) error {
	server, err := l.choose(t)
	if err != nil {
		return err
	}
	c, err := t.store.Load(server)
	if errors.Is(err, deviceclient.ErrNotSignedIn) {
		return signIn(server.String(), "not signed in to "+server.String())
	}
	if !l.Local {
		if err == nil {
			err = t.client(server, c.ClientID).Logout(ctx, c.Token)
		}
		if err != nil {
			return fmt.Errorf("%w; the token is kept: try again, or forget it with --local", err)
		}
	}
	if err := t.store.Delete(server); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "Signed out of %s.\n", server)
	return err
}

type whoamiCommand struct {
	serverFlag
	JSON bool `name:"json" help:"Print JSON."`
}

// Run says whom the token acts for.
func (w whoamiCommand) Run(ctx context.Context, out io.Writer) error { return with(ctx, out, w.run) }

func (w whoamiCommand) run(ctx context.Context, t tool) error {
	client, c, err := w.session(t)
	if err != nil {
		return err
	}
	account, err := client.Account(ctx, c.Token)
	if err != nil {
		return refused(c, err)
	}
	if w.JSON {
		return t.print(struct {
			Server string `json:"server"`
			deviceclient.Account
			ExpiresAt time.Time `json:"expires_at,omitzero"`
		}{c.Server, account, c.ExpiresAt})
	}
	_, err = fmt.Fprintf(t.out, "%s (%s) on %s\n", deviceclient.Printable(account.Email), deviceclient.Printable(account.Issuer), c.Server)
	return err
}

type tokenCommand struct{ serverFlag }

// Run prints the token: the one place where a secret is printed.
func (k tokenCommand) Run(ctx context.Context, out io.Writer) error { return with(ctx, out, k.run) }

func (k tokenCommand) run(_ context.Context, t tool) error {
	_, c, err := k.session(t)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, c.Token.Reveal())
	return err
}

type sessionsCommand struct {
	serverFlag
	Revoke *string `placeholder:"ID" help:"End this session; \"self\" is the one in use."`
	JSON   bool    `name:"json" help:"Print JSON."`
}

// Run lists the sessions, or ends one.
func (s sessionsCommand) Run(ctx context.Context, out io.Writer) error { return with(ctx, out, s.run) }

func (s sessionsCommand) run(ctx context.Context, t tool) error {
	if s.Revoke != nil && strings.TrimSpace(*s.Revoke) == "" {
		return usage(errors.New("--revoke is empty; name the session, or leave it out for the list"))
	}
	client, c, err := s.session(t)
	if err != nil {
		return err
	}
	if s.Revoke != nil {
		return s.end(ctx, t, client, c)
	}
	list, err := client.Sessions(ctx, c.Token)
	if err != nil {
		return refused(c, err)
	}
	if s.JSON {
		return t.print(list)
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCLIENT\tDEVICE\tSIGNED IN\tLAST USED\tEXPIRES")
	for _, one := range list {
		used := "never"
		if one.LastUsedAt != nil {
			used = one.LastUsedAt.Local().Format(time.DateTime)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", deviceclient.Printable(one.ID), deviceclient.Printable(one.ClientID), deviceclient.Printable(one.Label),
			one.CreatedAt.Local().Format(time.DateTime), used, one.ExpiresAt.Local().Format(time.DateTime))
	}
	return table.Flush()
}

func (s sessionsCommand) end(ctx context.Context, t tool, client *deviceclient.Client, c deviceclient.Credential) error {
	if err := client.Revoke(ctx, c.Token, *s.Revoke); err != nil {
		return refused(c, err)
	}
	// The id may be that of the session in use, whose token is then dead.
	if _, err := client.Account(ctx, c.Token); errors.Is(err, deviceclient.ErrNotSignedIn) {
		if err := t.store.Delete(client.Server); err != nil {
			return err
		}
	}
	if s.JSON {
		return t.print(map[string]string{"status": "revoked"})
	}
	_, err := fmt.Fprintln(t.out, "The session has ended.")
	return err
}

// with runs a command with this process's tool.
func with(ctx context.Context, out io.Writer, run func(context.Context, tool) error) error {
	t, err := newTool(out)
	if err != nil {
		return err
	}
	return withCode(run(ctx, t))
}
