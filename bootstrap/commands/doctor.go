package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/devicegate/devicegate/bootstrap/doctor"
)

type doctorCommand struct {
	Offline bool `help:"Ask nothing over the network but the stores."`
	Strict  bool `help:"Fail on warnings, too."`
	JSON    bool `help:"As one JSON object." name:"json"`
}

// Run prints every result. It fails if something is wrong, so that scripts can
// stop there.
func (d doctorCommand) Run(ctx context.Context, out io.Writer) error {
	c, wrong := loadFromEnvironment()
	var all []doctor.Result
	if cause := errors.Unwrap(wrong); cause != nil {
		all = doctor.Misconfigured(cause)
	} else {
		all = doctor.Examine(ctx, c, doctor.Options{Offline: d.Offline})
	}
	if err := d.print(out, all); err != nil {
		return err
	}
	switch worst := doctor.Worst(all); {
	case wrong != nil:
		return diagnosis{"the settings have to be mended first", 2}
	case worst == doctor.Fail:
		return diagnosis{"something is wrong", 1}
	case worst == doctor.Warn && d.Strict:
		return diagnosis{"there are warnings", 1}
	}
	return nil
}

// diagnosis is an error that chooses the exit code.
type diagnosis struct {
	text string
	code int
}

func (d diagnosis) Error() string { return d.text }

// ExitCode returns the code.
func (d diagnosis) ExitCode() int { return d.code }

func (d doctorCommand) print(out io.Writer, all []doctor.Result) error {
	if d.JSON {
		return printJSON(out, struct {
			Status doctor.Status   `json:"status"`
			Checks []doctor.Result `json:"checks"`
		}{doctor.Worst(all), all})
	}
	for _, r := range all {
		if _, err := fmt.Fprintf(out, "%-8s %-16s %s\n", r.Status, r.Check, r.Found); err != nil {
			return err
		}
		if r.Do != "" {
			fmt.Fprintf(out, "%-8s %-16s → %s\n", "", "", r.Do)
		}
	}
	return nil
}
