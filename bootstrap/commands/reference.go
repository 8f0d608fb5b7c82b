package commands

import (
	"fmt"
	"strings"
)

// Reference is docs/reference/commands.md.
func Reference() string { return commandReference(describe()) }

func commandReference(program described) string {
	var out strings.Builder
	out.WriteString("# Commands\n\nMade from the code by `go tool task reference`. Exit codes: 0 for success, 1 for a failure, 2 for settings or a command line that cannot be right; `login` and its companions have more ([cli.md](../cli.md)).\n")
	for _, d := range program.all()[1:] {
		if len(d.commands) > 0 {
			continue
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n    %s\n", d.path, d.help, d.synopsis())
		rows := ""
		for _, f := range d.flags {
			if f.name == "help" {
				continue
			}
			about := f.help
			if f.fallback != "" {
				about += " Default: `" + f.fallback + "`."
			}
			if len(f.env) > 0 {
				about += " Environment: `" + strings.Join(f.env, "`, `") + "`."
			}
			rows += fmt.Sprintf("| `%s` | %s |\n", f.spelled(), strings.ReplaceAll(about, "|", "\\|"))
		}
		if rows != "" {
			out.WriteString("\n| flag | meaning |\n|---|---|\n" + rows)
		}
	}
	return out.String()
}
