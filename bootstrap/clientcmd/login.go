package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
	"github.com/devicegate/devicegate/domain/identity"
)

type loginCommand struct {
	Server     string  `required:"" env:"DEVICEGATE_SERVER" placeholder:"URL" help:"The server to sign in to."`
	ClientID   string  `name:"client-id" default:"difyctl" help:"The client to sign in as; the server has to know it."`
	Label      string  `help:"What the device is called on the page and in lists. The host name unless it is given."`
	Scope      string  `help:"What the token shall be good for. All that the client may have unless it is given."`
	LoginHint  *string `name:"login-hint" placeholder:"EMAIL" help:"The e-mail address of the person who will approve. A server that knows the parameter lets no other account approve."`
	Mount      string  `enum:"auto,standard,canonical" default:"auto" help:"Which routes to use: auto, standard (RFC 8628) or canonical (/openapi/v1)."`
	NoBrowser  bool    `help:"Do not open a browser."`
	QR         bool    `name:"qr" default:"true" negatable:"" help:"Show a QR code on a terminal."`
	JSON       bool    `name:"json" help:"Print one JSON object a line: the code, then how it ended."`
	NoKeychain bool    `help:"Keep the token in a file that only you can read, not in the keychain."`
}

// Run signs in.
func (l loginCommand) Run(ctx context.Context, out io.Writer) error {
	t, err := newTool(out)
	if err != nil {
		return err
	}
	return l.run(ctx, t)
}

func (l loginCommand) run(ctx context.Context, t tool) error {
	err := withCode(l.signIn(ctx, t))
	if failed := (exitError{}); l.JSON && errors.As(err, &failed) {
		_ = t.print(map[string]any{"event": "failed", "error": word(failed.code), "message": err.Error()})
	}
	return err
}

func (l loginCommand) signIn(ctx context.Context, t tool) error {
	server, err := deviceclient.ParseServer(l.Server)
	if err != nil {
		return err
	}
	login := deviceclient.Login{Scope: l.Scope}
	if l.LoginHint != nil { // an empty one is refused: it would bind the login to no person
		if _, err := identity.ParseEmail(*l.LoginHint); err != nil {
			return usage(fmt.Errorf("--login-hint %q: write one e-mail address, such as ada@example.com", *l.LoginHint))
		}
		login.LoginHint = strings.TrimSpace(*l.LoginHint)
	}
	if server.Unprotected() {
		fmt.Fprintf(t.err, "Warning: %s is not https, so others on the way can read the token.\n", server)
	}
	if l.Label == "" {
		l.Label, _ = os.Hostname() // without one the server chooses
	}
	login.Label = l.Label
	c := t.client(server, l.ClientID)
	if l.Mount != "auto" {
		c.Mount = deviceclient.Mount(l.Mount)
	}
	a, err := c.Start(ctx, login)
	if err != nil {
		return err
	}
	if err := l.show(t, a); err != nil {
		return err
	}
	screen := t.countdown(c, a.ExpiresAt)
	token, err := c.Poll(ctx, a)
	screen.clear()
	if errors.Is(err, context.Canceled) {
		return exitError{fmt.Errorf("interrupted, nothing was kept; code %s stays good until %s: deny it on the page, or let it run out",
			a.UserCode, a.ExpiresAt.Local().Format("15:04")), exitInterrupted}
	}
	if err != nil {
		return err
	}
	return l.keep(ctx, t, c, token)
}

// show tells the person, and with --json the script, where to go.
func (l loginCommand) show(t tool, a deviceclient.Authorization) error {
	if l.JSON {
		event := map[string]any{
			"event": "code", "user_code": a.UserCode, "verification_uri": a.VerificationURI,
			"expires_at": a.ExpiresAt.UTC().Format(time.RFC3339), "interval": int(a.Interval / time.Second),
		}
		if a.Complete != "" {
			event["verification_uri_complete"] = a.Complete
		}
		if err := t.print(event); err != nil {
			return err
		}
	}
	best := a.Complete
	if best == "" {
		best = a.VerificationURI
	}
	fmt.Fprintf(t.err, "Open   %s\nEnter  %s\n\n", best, a.UserCode)
	if t.terminal && l.QR {
		t.drawQR(best)
	}
	if t.terminal && !l.NoBrowser && t.browse != nil && t.browse(best) == nil {
		fmt.Fprintln(t.err, "Your browser should open. Compare the code there, then approve.")
	}
	return nil
}

// keep stores the token, and ends the one that it takes the place of.
func (l loginCommand) keep(ctx context.Context, t tool, c *deviceclient.Client, token deviceclient.Token) error {
	// An interruption must not lose a token that the server counts as given.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	t.store.FilesOnly = l.NoKeychain
	old, _ := t.store.Load(c.Server)
	kept := deviceclient.Credential{
		Server: c.Server.String(), ClientID: l.ClientID, Label: l.Label, Email: token.Email, Issuer: token.Issuer,
		TokenID: token.ID, Scope: token.Scope, ExpiresAt: token.ExpiresAt, Token: token.Secret,
	}
	place, err := t.store.Save(kept)
	if err != nil {
		if c.Logout(ctx, token.Secret) == nil {
			return fmt.Errorf("%w; the login was undone", err)
		}
		return fmt.Errorf("%w; end it on the page %s/device/sessions", err, c.Server)
	}
	if account, err := c.Account(ctx, token.Secret); err == nil && account.Email != "" && kept.Email == "" {
		kept.Email, kept.Issuer = account.Email, account.Issuer
		_, _ = t.store.Save(kept) // the token is kept already
	}
	if !old.Token.IsZero() && old.Token.Reveal() != token.Secret.Reveal() {
		_ = t.client(c.Server, old.ClientID).Logout(ctx, old.Token) // it may be dead; nothing else holds it
	}
	if place == deviceclient.InFile && !l.NoKeychain {
		fmt.Fprintf(t.err, "No keychain answers here, so the token is in a file that only you can read, below %s.\n", t.store.Dir)
	}
	if l.JSON {
		return t.print(signedIn{"signed_in", kept.Server, kept.ClientID, kept.Label, kept.Email, kept.Issuer, kept.TokenID, kept.Scope, kept.ExpiresAt, place})
	}
	as := ""
	if kept.Email != "" {
		as = " as " + deviceclient.Printable(kept.Email)
	}
	_, err = fmt.Fprintf(t.out, "Signed in to %s%s.\n", kept.Server, as)
	return err
}

// signedIn is the last line of login --json.
type signedIn struct {
	Event     string    `json:"event"`
	Server    string    `json:"server"`
	ClientID  string    `json:"client_id"`
	Label     string    `json:"device_label,omitempty"`
	Email     string    `json:"subject_email,omitempty"`
	Issuer    string    `json:"subject_issuer,omitempty"`
	TokenID   string    `json:"token_id,omitempty"`
	Scope     string    `json:"scope,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	StoredIn  string    `json:"stored_in"`
}
