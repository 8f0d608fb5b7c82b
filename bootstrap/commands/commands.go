// Package commands is the command line of operators: a file for each command, or for
// several about one resource, and its field in the struct commands. A command reads
// its flags, calls a use case or starts a process, and words the result; it decides
// nothing. Package clientcmd has the commands of people who sign in.
package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"go.uber.org/dig"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/bootstrap/clientcmd"
	"github.com/devicegate/devicegate/bootstrap/config"
)

// commands are what the program does; kong makes the help of it.
type commands struct {
	Serve     serveCommand       `cmd:"" help:"Serve the API and the page. Settings come from the environment (docs/configuration.md)."`
	Worker    workerCommand      `cmd:"" help:"Do the background work: sweeps and their schedule. Any number of processes may."`
	Jobs      jobsCommand        `cmd:"" help:"Look at background jobs, and retry them."`
	Admin     adminCommand       `cmd:"" help:"Make tokens for the administrators' API."`
	Clients   clientsCommand     `cmd:"" help:"List, add, change, suspend and remove OAuth clients, as an administrator."`
	Policy    policyCommand      `cmd:"" help:"Look at what approvals need (docs/policy.md)."`
	Tokens    tokensCommand      `cmd:"" help:"List, show and revoke access tokens, as an administrator."`
	Incidents incidentsCommand   `cmd:"" help:"Look at suspected phishing, end what it got, or release it, as an administrator."`
	Audit     auditCommand       `cmd:"" help:"Read the audit events, as an administrator."`
	Migrate   migrateCommand     `cmd:"" help:"Apply what the database schema lacks. Any number of processes may do so at once."`
	Demo      demoCommand        `cmd:"" help:"Play a whole login on this machine, with a built-in identity provider. Needs nothing."`
	Doctor    doctorCommand      `cmd:"" help:"Check this installation and say what to do: settings, stores, keys, addresses, identity providers."`
	Config    configCommand      `cmd:"" help:"Print every setting as it is in force, and where it came from. Secrets are masked."`
	Health    healthcheckCommand `cmd:"" name:"healthcheck" help:"Ask the process on this machine whether it lives, for containers and scripts."`
	DemoIdP   demoIdPCommand     `cmd:"" name:"demo-idp" help:"Run the identity provider of the demo by itself, for development."`
	Version   versionCommand     `cmd:"" help:"Print version, commit and date."`

	Completion completionCommand `cmd:"" help:"Print a completion script for bash, zsh or fish."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`

	Scheduler schedulerCommand `cmd:"" help:"Keep the schedule of the background work, and run none of it. For those who keep the two apart."`

	Keys      keysCommand      `cmd:"" help:"Rotate the keys of the SAML service provider."`
	Migration migrationCommand `cmd:"" help:"Move identity providers from the legacy to the canonical callback."`
	SAML      samlCommand      `cmd:"" name:"saml" help:"Explain SAML responses."`

	connectionCommands
	clientcmd.Commands
}

// Main runs the program and returns its exit code: 0, 1 for a failure, 2 for a
// configuration or a command line that cannot be right, or the one that the
// error asks for.
func Main(args []string) int {
	if err := checkText(args); err != nil {
		fmt.Fprint(os.Stderr, shownError(err))
		return 2
	}
	ctx, stop := untilSignalled(context.Background())
	defer stop()
	var c commands
	exit := -1
	parser := kong.Must(&c,
		kong.Name(programName),
		kong.Description(programHelp),
		kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(os.Stdout, (*io.Writer)(nil)),
	)
	chosen, err := parser.Parse(helpAsFlag(args))
	if exit >= 0 { // the help was asked for
		return exit
	}
	if err != nil {
		fmt.Fprint(os.Stderr, shownError(fmt.Errorf("%w\nTry: devicegate --help", err)))
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprint(os.Stderr, shownError(err))
		if errors.As(err, new(configError)) {
			return 2
		}
		var coded kong.ExitCoder
		if errors.As(err, &coded) {
			return coded.ExitCode()
		}
		return 1
	}
	return 0
}

// shownError is an error without what could steer a terminal: errors repeat
// arguments, and what servers answered.
func shownError(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return "devicegate: " + strings.Join(lines, "\n") + "\n"
}

// checkText refuses arguments that are not UTF-8, which kong would change: a
// filter would then ask for other text than was given.
func checkText(args []string) error {
	for i, arg := range args {
		if !utf8.ValidString(arg) {
			return fmt.Errorf("argument %d (%+q) is not valid UTF-8; nothing was done. Write it in UTF-8", i+1, arg)
		}
	}
	return nil
}

// helpAsFlag reads "help tokens revoke" as "tokens revoke --help".
func helpAsFlag(args []string) []string {
	if len(args) == 0 || args[0] != "help" {
		return args
	}
	return append(slices.Clone(args[1:]), "--help")
}

// configError says that nothing was tried, because the settings cannot be right.
type configError struct{ error }

// Unwrap returns the list.
func (e configError) Unwrap() error { return e.error }

func (e configError) Error() string {
	return "these settings have to be mended first:\n  " + strings.ReplaceAll(e.error.Error(), "\n", "\n  ")
}

func loadFromEnvironment() (config.Config, error) {
	vars, err := config.ReadVariables(os.Environ())
	if err != nil {
		return config.Config{}, configError{err}
	}
	c, err := vars.Load()
	if err != nil {
		return c, configError{err}
	}
	info, _ := debug.ReadBuildInfo()
	c.Tracing.Version = builtFrom(info).Version
	return c, nil
}

// loadInstallation is for commands about an installation that is there. It makes
// no database.
func loadInstallation() (config.Config, error) {
	c, err := loadFromEnvironment()
	if err != nil {
		return c, err
	}
	return c, c.Database.CheckFile()
}

type migrateCommand struct{}

// Run applies what is missing.
func (migrateCommand) Run(ctx context.Context, out io.Writer) error {
	c, err := loadFromEnvironment()
	if err != nil {
		return err
	}
	db, err := database.Open(c.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := database.Migrate(ctx, db); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "The database schema is up to date.")
	return err
}

// newLog writes JSON to stderr, for operators.
func newLog(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// rootCause leaves out how the container got there; operators want to know
// which port is taken, not which constructor asked for it.
func rootCause(err error) error { return dig.RootCause(err) }
