package commands

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

type manCommand struct{}

// Run prints the manual page devicegate(1), for man -l or /usr/share/man/man1.
func (manCommand) Run(out io.Writer) error {
	info, _ := debug.ReadBuildInfo()
	_, err := io.WriteString(out, manual(describe(), builtFrom(info).Version))
	return err
}

var roffEscape = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'")

func roff(text string) string { return roffEscape.Replace(text) }

func manual(program described, version string) string {
	var out strings.Builder
	fmt.Fprintf(&out, ".TH DEVICEGATE 1 \"\" \"devicegate %s\"\n.SH NAME\ndevicegate \\- %s\n.SH SYNOPSIS\n.B devicegate\n<command> [flags]\n", roff(version), roff(program.help))
	out.WriteString(".SH COMMANDS\n")
	for _, d := range program.all()[1:] {
		if len(d.commands) > 0 {
			continue
		}
		fmt.Fprintf(&out, ".SS %s\n%s\n", roff(d.synopsis()), roff(d.help))
		for _, f := range d.flags {
			if f.name == "help" {
				continue
			}
			fmt.Fprintf(&out, ".TP\n.B %s\n%s\n", roff(f.spelled()), roff(f.help))
			if len(f.env) > 0 {
				fmt.Fprintf(&out, "Environment: %s.\n", roff(strings.Join(f.env, ", ")))
			}
		}
	}
	out.WriteString(`.SH ENVIRONMENT
The commands that serve or administer take their settings from environment
variables and, for what those leave out, from the file that ENV_FILE names, or
else from .env in the working folder.
.B devicegate config
prints every setting, its value and where it came from.
.SH EXIT STATUS
0 for success, 1 for a failure, 2 for settings or a command line that cannot be
right.
.B login
and its companions have more: see docs/cli.md.
.SH SEE ALSO
docs/configuration.md, docs/operators.md, docs/cli.md
`)
	return out.String()
}
