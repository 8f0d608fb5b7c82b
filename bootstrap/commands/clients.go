package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
)

type clientsCommand struct {
	List    listClients   `cmd:"" help:"List the clients of all sources: the database, CLIENTS_FILE, OPENAPI_KNOWN_CLIENT_IDS."`
	Show    showClient    `cmd:"" help:"Show one client."`
	Add     addClient     `cmd:"" help:"Add a client to the database."`
	Edit    editClient    `cmd:"" help:"Change a client in the database: what is given changes, the rest stays."`
	Suspend suspendClient `cmd:"" help:"Give a client no more codes, approvals and tokens."`
	Allow   allowClient   `cmd:"" help:"Let a suspended client in again."`
	Remove  removeClient  `cmd:"" help:"Take a client out of the database. Says what it would do, until --yes."`
}

// clientFlags are settings; nil: not given. An empty value takes a setting back.
type clientFlags struct {
	Name        *string           `placeholder:"TEXT" help:"What people read."`
	Publisher   *string           `placeholder:"TEXT" help:"Who makes it."`
	Icon        *string           `placeholder:"FILE" help:"PNG, JPEG, WebP or SVG, 24 kB at most."`
	HomePage    *string           `placeholder:"URL" help:"An https address."`
	Scopes      *string           `placeholder:"'A B'" help:"What its tokens may do at most, separated by blanks."`
	ScopeText   map[string]string `placeholder:"SCOPE/LANGUAGE=TEXT" mapsep:"none" help:"A sentence for a scope, for instance orders:read/en='see your orders'. Can be repeated."`
	TokenTTL    *string           `name:"token-ttl" placeholder:"336h" help:"How long its tokens live, 1m to 8760h."`
	DeviceLabel *string           `placeholder:"TEXT" help:"Of a device that does not name itself."`
	Connections *string           `placeholder:"SLUG,…" help:"Those that people may come through; without it: all."`
}

var errScopeText = errors.New("--scope-text: write SCOPE/LANGUAGE=TEXT, for instance orders:read/en='see your orders'")

// texts are the flags by name.
func (f clientFlags) texts() map[string]*string {
	return map[string]*string{
		"name": f.Name, "publisher": f.Publisher, "icon": f.Icon, "home-page": f.HomePage, "scopes": f.Scopes,
		"token-ttl": f.TokenTTL, "device-label": f.DeviceLabel, "connections": f.Connections,
	}
}

// checkGiven refuses empty values where there is nothing to take back: they come
// from unset variables of scripts, and would leave a bound out.
func (f clientFlags) checkGiven() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(f.texts())) {
		if value := f.texts()[name]; value != nil && *value == "" {
			errs = append(errs, fmt.Errorf("--%s is empty. Leave it out for the default", name))
		}
	}
	return errors.Join(errs...)
}

// edit is the change that the flags ask for.
func (f clientFlags) edit() (func(*client.Settings), error) {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(f.texts())) {
		if value := f.texts()[name]; value != nil && *value != "" && strings.TrimSpace(*value) == "" {
			errs = append(errs, fmt.Errorf("--%s is blank. Give an empty value to take the setting back", name))
		}
	}
	life, err := duration(f.TokenTTL)
	errs = append(errs, err)
	icon, err := iconOf(f.Icon)
	errs = append(errs, err)
	texts := map[[2]string]string{}
	for name, text := range f.ScopeText {
		of, language, found := strings.Cut(name, "/")
		if !found {
			errs = append(errs, errScopeText)
		}
		texts[[2]string{of, language}] = text
	}
	return func(s *client.Settings) {
		for from, to := range map[*string]*string{f.Name: &s.Name, f.Publisher: &s.Publisher, f.HomePage: &s.HomePage, f.DeviceLabel: &s.Label} {
			if from != nil {
				*to = *from
			}
		}
		if f.Icon != nil {
			s.Icon = icon
		}
		if f.Scopes != nil {
			s.Scopes = scope.Restore(*f.Scopes)
		}
		if f.TokenTTL != nil {
			s.TokenLife = life
		}
		if f.Connections != nil {
			s.Connections = strings.FieldsFunc(*f.Connections, func(r rune) bool { return r == ',' || r == ' ' })
		}
		s.ScopeTexts = withTexts(s.ScopeTexts, texts)
	}, errors.Join(errs...)
}

// withTexts is a copy with other sentences; an empty one is taken out.
func withTexts(before client.ScopeTexts, change map[[2]string]string) client.ScopeTexts {
	after := client.ScopeTexts{}
	for name, of := range before {
		after[name] = maps.Clone(of)
	}
	for at, text := range change {
		if after[at[0]] == nil {
			after[at[0]] = map[string]string{}
		}
		if after[at[0]][at[1]] = text; text == "" {
			delete(after[at[0]], at[1])
		}
		if len(after[at[0]]) == 0 {
			delete(after, at[0])
		}
	}
	return after
}

func duration(text *string) (time.Duration, error) {
	if text == nil || *text == "" {
		return 0, nil
	}
	life, err := time.ParseDuration(*text)
	if err != nil || life == 0 {
		return 0, fmt.Errorf("--token-ttl %q: write a duration like 336h or 45m", *text)
	}
	return life, nil
}

func iconOf(path *string) (client.Icon, error) {
	if path == nil || *path == "" {
		return client.Icon{}, nil
	}
	content, err := os.ReadFile(*path)
	if err != nil {
		return client.Icon{}, fmt.Errorf("--icon: %w", err)
	}
	icon, err := client.ParseIcon(content)
	if err != nil {
		return client.Icon{}, fmt.Errorf("--icon %s: %w", *path, err)
	}
	return icon, nil
}

type listClients struct {
	Acting
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints a table.
func (c listClients) Run(ctx context.Context, out io.Writer) error {
	var list *application.ListClients
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		all, err := list.Execute(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, adminapi.ClientsJSON(all))
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tSOURCE\tSTATE\tSCOPES\tTOKEN LIFE\tCONNECTIONS")
		for _, one := range all {
			s := one.Client.Settings()
			state := "allowed"
			if s.Suspended {
				state = "suspended"
			}
			if one.Unreadable != "" {
				state = "refused: cannot be read"
			}
			if one.Conflict {
				state = "conflict: in the file and in the database"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(s.ID), printable(s.Name), s.Source, state, s.Scopes, lifeOf(s.TokenLife), orAll(s.Connections))
		}
		return table.Flush()
	}, &list)
}

func lifeOf(life time.Duration) string {
	if life == 0 {
		return "default"
	}
	return life.String()
}

func orAll(slugs []string) string {
	if len(slugs) == 0 {
		return "all"
	}
	return strings.Join(slugs, " ")
}

type showClient struct {
	Acting
	ID string `arg:"" help:"The client_id."`
}

// Run prints the client as JSON.
func (c showClient) Run(ctx context.Context, out io.Writer) error {
	var list *application.ListClients
	return administer(ctx, c.Acting, func(ctx context.Context, _ audit.Actor) error {
		all, err := list.Execute(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(one application.ListedClient) bool { return one.Client.ID() == c.ID })
		if i < 0 {
			return fmt.Errorf("%w (%s)", client.ErrUnsupported, printable(c.ID))
		}
		return printJSON(out, adminapi.ClientJSON(all[i]))
	}, &list)
}

// configure changes a client and prints what came of it.
func configure(ctx context.Context, out io.Writer, as Acting, wanted application.ClientChange, done string) error {
	var uc *application.ConfigureClient
	return administer(ctx, as, func(ctx context.Context, by audit.Actor) error {
		changed, err := uc.Execute(ctx, wanted, by, request.Origin{})
		if err != nil {
			return err
		}
		if !changed.Changed {
			done = "It was so already; nothing was changed."
		}
		fmt.Fprintln(out, done)
		if wanted.Revoke {
			_, err = fmt.Fprintf(out, revokedText(true), changed.Revoked.Tokens, changed.Revoked.Devices)
		}
		return err
	}, &uc)
}

type addClient struct {
	clientFlags
	Acting
	ID        string `arg:"" help:"The client_id, 1 to 64 characters."`
	Suspended bool   `help:"Add it without letting it in."`
}

// Run adds the client.
func (c addClient) Run(ctx context.Context, out io.Writer) error {
	if err := c.checkGiven(); err != nil {
		return err
	}
	edit, err := c.edit()
	if err != nil {
		return err
	}
	return configure(ctx, out, c.Acting, application.ClientChange{ID: c.ID, Add: true, Edit: func(s *client.Settings) {
		edit(s)
		s.Suspended = c.Suspended
	}}, "Added. All replicas know it within seconds.")
}

type editClient struct {
	clientFlags
	Acting
	ID string `arg:"" help:"The client_id."`
}

// Run changes the client.
func (c editClient) Run(ctx context.Context, out io.Writer) error {
	edit, err := c.edit()
	if err != nil {
		return err
	}
	return configure(ctx, out, c.Acting, application.ClientChange{ID: c.ID, Edit: edit}, "Changed. All replicas know it within seconds.")
}

type suspendClient struct {
	Acting
	ID     string `arg:"" help:"The client_id."`
	Revoke bool   `help:"End its tokens, too, and turn away the devices that were approved and have none yet. Needs --yes."`
	Yes    bool   `help:"With --revoke: do it."`
}

var errRevokeNeedsYes = errors.New("--revoke signs out every device of the client and cannot be undone: add --yes; tokens revoke --client counts them first")

// Run suspends the client.
func (c suspendClient) Run(ctx context.Context, out io.Writer) error {
	if c.Revoke && !c.Yes {
		return errRevokeNeedsYes
	}
	done := "Suspended. All replicas know it within seconds. Its tokens live on until they expire; --revoke ends them."
	if c.Revoke {
		done = "Suspended. All replicas know it within seconds."
	}
	return configure(ctx, out, c.Acting, application.ClientChange{
		ID: c.ID, Revoke: c.Revoke, Edit: func(s *client.Settings) { s.Suspended = true },
	}, done)
}

type allowClient struct {
	Acting
	ID string `arg:"" help:"The client_id."`
}

// Run lets the client in again.
func (c allowClient) Run(ctx context.Context, out io.Writer) error {
	return configure(ctx, out, c.Acting, application.ClientChange{
		ID: c.ID, Edit: func(s *client.Settings) { s.Suspended = false },
	}, "Allowed. All replicas know it within seconds.")
}

type removeClient struct {
	Acting
	ID     string `arg:"" help:"The client_id."`
	Revoke bool   `help:"End its tokens, too, and turn away the devices that were approved and have none yet."`
	Yes    bool   `help:"Do it. Without it, nothing changes."`
}

// Run removes the client, or says what it would do.
func (c removeClient) Run(ctx context.Context, out io.Writer) error {
	if !c.Yes {
		return c.tell(ctx, out)
	}
	return configure(ctx, out, c.Acting, application.ClientChange{ID: c.ID, Remove: true, Revoke: c.Revoke}, "Removed. All replicas know it within seconds.")
}

// tell says what --yes would do, and refuses what it would refuse.
func (c removeClient) tell(ctx context.Context, out io.Writer) error {
	var uc *application.ConfigureClient
	return administer(ctx, c.Acting, func(ctx context.Context, by audit.Actor) error {
		if _, err := uc.Execute(ctx, application.ClientChange{ID: c.ID, Remove: true, DryRun: true}, by, request.Origin{}); err != nil {
			return err
		}
		tokens := "its tokens live on until they expire"
		if c.Revoke {
			tokens = "its tokens end"
		}
		_, err := fmt.Fprintf(out, "This would remove %s from the database: its devices get no more tokens, it is unknown here, and %s. Nothing was changed. Add --yes to do it; suspend can be taken back.\n", printable(c.ID), tokens)
		return err
	}, &uc)
}
