package commands

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/devicegate/devicegate/bootstrap/config"
)

type configCommand struct {
	JSON bool `help:"As a JSON array." name:"json"`
}

// Run prints the settings also when they cannot be right, so that operators see
// which variable is to blame.
func (c configCommand) Run(out io.Writer) error {
	vars, err := config.ReadVariables(os.Environ())
	if err != nil {
		return configError{err}
	}
	if err := c.print(out, vars.Effective()); err != nil {
		return err
	}
	if _, err := vars.Load(); err != nil {
		return configError{err}
	}
	return nil
}

func (c configCommand) print(out io.Writer, all []config.Setting) error {
	if c.JSON {
		return printJSON(out, all)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, s := range all {
		if s.Warning != "" {
			continue
		}
		value := s.Value
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, value, s.Source)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		if s.Warning == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "\nwarning: %s %s\n", printable(s.Name), printable(s.Warning)); err != nil {
			return err
		}
	}
	return nil
}
