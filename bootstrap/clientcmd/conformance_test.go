package clientcmd

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/conformance"
)

func TestConformance(t *testing.T) {
	s, b := serve(t), newBench(t)
	file := t.TempDir() + "/report.json"
	b.exits(t, conformanceCommand{Target: s.URL, ClientID: "difyctl", JSON: file}.run(t.Context(), b.tool), exitFailure) // it is a poor server
	if got := b.out.String(); !strings.Contains(got, "FAIL ") || !strings.Contains(got, "needs a person to decide") {
		t.Errorf("got %s, want a FAIL row and a skipped one", got)
	}
	var report conformance.Report
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil || report.Target != s.URL || report.Failed == 0 {
		t.Errorf("got the file %s (%v), want a report about the target with failures", text, err)
	}
	b.out.Reset()
	b.exits(t, conformanceCommand{Target: s.URL, ClientID: "difyctl", JSON: "-", Interactive: true}.run(t.Context(), b.tool), exitFailure)
	if err := json.Unmarshal(b.out.Bytes(), &report); err != nil {
		t.Errorf("got %s (%v), want the report as JSON", b.out, err)
	}
	for _, want := range []string{"and APPROVE this login", "and DENY this login"} {
		if !strings.Contains(b.err.String(), want) {
			t.Errorf("want %q on standard error, got %s", want, b.err)
		}
	}
	b.exits(t, conformanceCommand{Target: "ftp://x"}.run(t.Context(), b.tool), exitUsage)
	b.exits(t, conformanceCommand{Target: s.URL, Introspection: "no-colon"}.run(t.Context(), b.tool), exitUsage)
}
