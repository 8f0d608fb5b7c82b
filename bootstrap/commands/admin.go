package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/audit"
)

type adminCommand struct {
	NewToken newAdminToken `cmd:"" help:"Make a token for the administrators' API and the line for ADMIN_TOKENS."`
}

type newAdminToken struct {
	Name string `arg:"" help:"Whose token it is; audit events show it."`
}

// Run prints the token, which is not kept, and what to configure.
func (c newAdminToken) Run(out io.Writer) error {
	name, err := administrator.ParseName(c.Name)
	if err != nil {
		return err
	}
	made, token := administrator.NewCredential(name)
	_, err = fmt.Fprintf(out, `The token of %s. It is shown this once; send it as "Authorization: Bearer TOKEN":
%s

Add this to ADMIN_TOKENS, separated from other entries by a comma:
%s
`, name, token.Reveal(), made)
	return err
}

// Acting is the part of an administrator's command that names the administrator.
type Acting struct {
	As *string `placeholder:"NAME" help:"Who does this, for the audit. Without it: the user of this machine."`
}

var errNoName = errors.New("the user of this machine has no name that an audit event can show; use --as NAME")

// actor is the administrator that audit events name.
func (a Acting) actor() (audit.Actor, error) {
	text := ""
	if a.As != nil {
		text = *a.As
	} else {
		of, err := user.Current()
		if err != nil {
			return audit.Actor{}, errNoName
		}
		text = of.Username[strings.LastIndex(of.Username, `\`)+1:] // without the Windows domain
	}
	name, err := administrator.ParseName(text)
	switch {
	case err != nil && a.As == nil:
		return audit.Actor{}, errNoName
	case err != nil:
		return audit.Actor{}, err
	}
	return audit.AdminOf(name.String()), nil
}

// actsTime is how long an administrator's command may take to start and to stop.
const actsTime = 30 * time.Second

// administer populates use cases over the configured stores, calls act with the
// administrator that acts, and closes the stores. targets are pointers to use
// cases, as for [fx.Populate]. A schema that is older than the program is
// refused: a command does not migrate what serving replicas use.
func administer(ctx context.Context, as Acting, act func(ctx context.Context, by audit.Actor) error, targets ...any) error {
	return administerOver(ctx, bootstrap.Administration, as, act, targets...)
}

// administerOver is administer with other parts than the usual ones.
func administerOver(ctx context.Context, parts func(bootstrap.Config, *slog.Logger) fx.Option, as Acting, act func(ctx context.Context, by audit.Actor) error, targets ...any) error {
	by, err := as.actor()
	if err != nil {
		return err
	}
	c, err := loadInstallation()
	if err != nil {
		return err
	}
	app := fx.New(parts(c, newLog(max(c.LogLevel, slog.LevelWarn))), fx.Populate(targets...), fx.StartTimeout(actsTime), fx.StopTimeout(actsTime))
	if err := app.Err(); err != nil {
		return rootCause(err)
	}
	if err := start(ctx, app); err != nil {
		return err
	}
	return errors.Join(act(ctx, by), stop(app))
}
