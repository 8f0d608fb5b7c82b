package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/devicegate/devicegate/adapters/conformance"
	"github.com/devicegate/devicegate/adapters/deviceclient"
)

type conformanceCommand struct {
	Target        string `required:"" placeholder:"URL" help:"The server to check: its issuer, such as https://sso.example.com."`
	ClientID      string `name:"client-id" default:"difyctl" help:"A client that the server knows."`
	OtherClientID string `name:"other-client-id" placeholder:"ID" help:"Another one, for the rules about two clients."`
	Introspection string `env:"DEVICEGATE_INTROSPECTION_CLIENT" placeholder:"ID:SECRET" help:"A resource server's credentials, for RFC 7662. Better in the environment than here."`
	Interactive   bool   `help:"Ask a person to approve two logins and deny two, for the rules that need one."`
	JSON          string `name:"json" placeholder:"FILE" help:"Write the report for programs to FILE; - is standard output."`
}

// Run checks a server. A rule that fails is exit code 1.
func (c conformanceCommand) Run(ctx context.Context, out io.Writer) error {
	return with(ctx, out, c.run)
}

func (c conformanceCommand) run(ctx context.Context, t tool) error {
	server, err := deviceclient.ParseServer(c.Target)
	if err != nil {
		return err
	}
	id, secret, ok := strings.Cut(c.Introspection, ":")
	if c.Introspection != "" && !ok {
		return usage(errors.New("the credentials for introspection have to be ID:SECRET"))
	}
	o := conformance.Options{
		Target: server.String(), ClientID: c.ClientID, OtherClientID: c.OtherClientID, IntrospectionID: id, IntrospectionSecret: secret,
		HTTP: t.http, Now: t.now, Wait: t.wait,
	}
	if c.Interactive {
		o.Decide = func(_ context.Context, l conformance.Login, approve bool) error {
			return t.ask(l, approve)
		}
	}
	if t.terminal {
		o.Progress = func(row conformance.Row) { fmt.Fprintf(t.err, clearLine+"%s %s", row.Result, row.ID) }
	}
	report, err := conformance.Run(ctx, o)
	if t.terminal {
		fmt.Fprint(t.err, clearLine)
	}
	if err != nil {
		return err
	}
	if err := c.write(t, report); err != nil {
		return err
	}
	if report.Failed > 0 {
		return fmt.Errorf("%d rules do not hold", report.Failed)
	}
	return nil
}

func (c conformanceCommand) write(t tool, report conformance.Report) error {
	if c.JSON == "-" {
		return report.WriteJSON(t.out)
	}
	if c.JSON != "" {
		f, err := os.Create(c.JSON)
		if err != nil {
			return err
		}
		if err := errors.Join(report.WriteJSON(f), f.Close()); err != nil {
			return err
		}
	}
	return report.WriteTable(t.out)
}

// ask tells the person what to do; the run waits until they have.
func (t tool) ask(l conformance.Login, approve bool) error {
	do := "DENY"
	if approve {
		do = "APPROVE"
	}
	address := l.Complete
	if address == "" {
		address = l.VerificationURI
	}
	if t.terminal {
		fmt.Fprint(t.err, clearLine)
	}
	_, err := fmt.Fprintf(t.err, "Please open %s, enter %s and %s this login.\n", deviceclient.Printable(address), deviceclient.Printable(l.UserCode), do)
	return err
}
