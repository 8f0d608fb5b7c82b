package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Result is what came of a rule.
type Result string

// The results.
const (
	Pass Result = "pass"
	Fail Result = "fail"
	Skip Result = "skip"
)

// Row is one rule and what came of it.
type Row struct {
	ID     string `json:"id"`
	Clause string `json:"clause"` // where the rule stands, such as "RFC 8628 §3.5"
	Mount  string `json:"mount"`
	Rule   string `json:"rule"`
	Result Result `json:"result"`
	Detail string `json:"detail,omitempty"` // what was wrong, or why it was skipped
}

// Report is the outcome of a run.
type Report struct {
	Target     string    `json:"target"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Passed     int       `json:"passed"`
	Failed     int       `json:"failed"`
	Skipped    int       `json:"skipped"`
	Rows       []Row     `json:"rows"`
}

func (r *Report) add(row Row) {
	switch row.Result {
	case Pass:
		r.Passed++
	case Fail:
		r.Failed++
	case Skip:
		r.Skipped++
	}
	r.Rows = append(r.Rows, row)
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteTable writes the report for people.
func (r Report) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RESULT\tCLAUSE\tMOUNT\tRULE")
	for _, row := range r.Rows {
		rule := row.Rule
		if row.Detail != "" {
			rule += ": " + printable(row.Detail)
		}
		mark := string(row.Result)
		if row.Result == Fail {
			mark = "FAIL"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", mark, row.Clause, row.Mount, rule)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s: %d passed, %d failed, %d skipped\n", r.Target, r.Passed, r.Failed, r.Skipped)
	return err
}

// printable keeps a server's text from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, text)
}
