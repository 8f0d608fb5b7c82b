package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/explain"
)

type samlCommand struct {
	Explain explainResponse `cmd:"" help:"Say why a SAML response was refused, or would be: each check, and the likely cause."`
}

type explainResponse struct {
	Response   string `arg:"" default:"-" help:"A file with the response (base64, XML, a form's body, a page, a browser's HAR recording), - for stdin, or the reference of a failed sign-in."`
	Connection string `help:"Slug; without it, the connection of the response's issuer."`
	At         string `help:"When the response came, as 2026-11-25T12:00:00Z. Without it: when it was issued."`
	JSON       bool   `name:"json" help:"Print JSON."`
	Reveal     bool   `help:"Also print what is personal: NameID and attribute values. Of a failed sign-in, this is an audit event."`
	Acting
	stdin io.Reader
}

// referenceForm is that of the ids of requests.
var referenceForm = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// Run fails if the response would be refused.
func (c explainResponse) Run(ctx context.Context, out io.Writer) error {
	in := application.ToExplain{Connection: c.Connection, Reveal: c.Reveal}
	if err := c.read(&in); err != nil {
		return err
	}
	if c.At != "" {
		at, err := time.Parse(time.RFC3339, c.At)
		if err != nil {
			return fmt.Errorf("--at %q: write a time as 2026-11-25T12:00:00Z", c.At)
		}
		in.At = at
	}
	as := c.Acting
	if as.As == nil && !(c.Reveal && in.Reference != "") { // it needs no name where nothing is recorded
		as.As = new("explain")
	}
	var uc *application.ExplainResponse
	return administerOver(ctx, bootstrap.Explaining, as, func(ctx context.Context, by audit.Actor) error {
		in.By = by
		got, err := uc.Execute(ctx, in)
		if errors.Is(err, explain.ErrNotKept) { // the argument may have been meant as a file
			return fmt.Errorf("there is no file %q, and as a reference: %w", c.Response, err)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			err = printExplainedJSON(out, got)
		} else {
			err = printExplained(out, got)
		}
		if err == nil && got.Verdict != "" {
			err = fmt.Errorf("the response is refused: %s", got.Verdict)
		}
		return err
	}, &uc)
}

// read takes a file, stdin or, where there is no such file, a reference.
func (c explainResponse) read(in *application.ToExplain) error {
	var text []byte
	var err error
	if c.Response == "-" {
		from := c.stdin
		if from == nil {
			from = os.Stdin
		}
		text, err = io.ReadAll(io.LimitReader(from, saml.CaptureMax+1))
	} else {
		text, err = readAtMost(c.Response, saml.CaptureMax)
		if errors.Is(err, fs.ErrNotExist) && referenceForm.MatchString(c.Response) && !strings.HasSuffix(c.Response, ".xml") {
			in.Reference = c.Response
			return nil
		}
	}
	if err != nil {
		return err
	}
	capture, err := saml.ReadCapture(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Response, err)
	}
	in.Response, in.PostedTo, in.At = capture.Response, capture.PostedTo, capture.At
	return nil
}

func printExplained(out io.Writer, e application.Explained) error {
	fmt.Fprintf(out, "connection: %s (%s)\ncame:       %s, at the %s callback\n", e.Connection, e.Product, when(e.At), e.Mount)
	for _, text := range e.Assumed {
		fmt.Fprintf(out, "note:       %s\n", text)
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, k := range e.Trace.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", k.Outcome, k.Name, detail(k))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if v := e.Trace.Verified; v.NameID != "" || len(v.Attributes) > 0 {
		fmt.Fprintf(out, "\nNameID: %s %s\n", v.NameID, v.NameIDFormat)
		for _, a := range v.Attributes {
			fmt.Fprintf(out, "attribute: %s = %s\n", printable(a.Name), printable(strings.Join(a.Values, ", ")))
		}
	}
	fmt.Fprintln(out)
	for _, text := range e.Causes {
		fmt.Fprintln(out, text)
	}
	if e.Verdict == "" {
		_, err := fmt.Fprintln(out, "The response is accepted, unless it was used before.")
		return err
	}
	return nil
}

func detail(k explain.Check) string {
	switch {
	case k.Outcome == explain.Skipped:
		return "not checked, because of what failed before"
	case k.Outcome == explain.Passed:
		return k.Received
	case k.Expected == "":
		return k.Reason + ": received " + k.Received
	}
	return k.Reason + ": expected " + k.Expected + ", received " + k.Received
}

func printExplainedJSON(out io.Writer, e application.Explained) error {
	document := struct {
		Connection   string              `json:"connection"`
		Product      string              `json:"product"`
		Verdict      string              `json:"verdict"`
		Was          string              `json:"refused_then,omitempty"`
		At           time.Time           `json:"came_at"`
		Mount        string              `json:"mount"`
		Notes        []string            `json:"notes,omitempty"`
		Checks       []explain.Check     `json:"checks"`
		Causes       []string            `json:"causes,omitempty"`
		NameID       string              `json:"name_id,omitempty"`
		NameIDFormat string              `json:"name_id_format,omitempty"`
		Attributes   []explain.Attribute `json:"attributes,omitempty"`
	}{
		e.Connection, string(e.Product), "accepted", e.Was, e.At.UTC(), string(e.Mount), e.Assumed, e.Trace.Checks, e.Causes,
		e.Trace.Verified.NameID, e.Trace.Verified.NameIDFormat, e.Trace.Verified.Attributes,
	}
	if e.Verdict != "" {
		document.Verdict = e.Verdict
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}
