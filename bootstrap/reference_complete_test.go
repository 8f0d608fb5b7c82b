package bootstrap_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
)

// The references are read from the code; these tests show that what they are
// read from is all there is.

func TestEveryRefusalHasACodeThatIsWrittenDown(t *testing.T) {
	inOrder(parseModule(t), "../", func(n ast.Node) {
		call, is := n.(*ast.CallExpr)
		if !is || selected(call.Fun) != "fault.New" || len(call.Args) != 3 {
			return
		}
		// The code of another refusal is written down there.
		if of, is := call.Args[1].(*ast.SelectorExpr); is && of.Sel.Name == "Code" {
			return
		}
		// A broker's own code, which is passed on, has no message of ours.
		if code, message := text(call.Args[1]), text(call.Args[2]); strings.Contains(code, "…") && message != "" {
			t.Errorf("the refusal %q: got a code that is made at run time, want one that the reference can have", message)
		}
		if kind, is := strings.CutPrefix(selected(call.Args[0]), "fault."); is && statuses[kind] == 0 {
			t.Errorf("the refusal %s: got the kind %q, want one whose status the reference knows", text(call.Args[1]), kind)
		}
	})
}

func TestKindsOfEventsAndJobsStandInOneFile(t *testing.T) {
	for path, file := range parseModule(t) {
		if strings.HasPrefix(path, "../ports/porttest/") {
			continue // kinds of its own, for the tests of adapters
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				typed := selected(n.Type)
				if own, is := n.Type.(*ast.Ident); is {
					typed = file.Name.Name + "." + own.Name
				}
				if typed == "audit.Kind" && path != "../domain/audit/event.go" || typed == "ports.JobKind" && path != "../ports/jobs.go" {
					if len(n.Values) > 0 {
						t.Errorf("%s: got %s of the type %s, want it declared where the reference reads it", path, n.Names[0].Name, typed)
					}
				}
			case *ast.CallExpr:
				if typed := selected(n.Fun); (typed == "audit.Kind" || typed == "ports.JobKind") && len(n.Args) == 1 && text(n.Args[0]) != "…" {
					t.Errorf("%s: got the %s %q, want a constant", path, typed, text(n.Args[0]))
				}
			}
			return true
		})
	}
}

func TestKindsOfEventsAreAllListed(t *testing.T) {
	listed := map[string]bool{}
	for _, kind := range audit.Kinds() {
		listed[string(kind)] = true
	}
	declared := namesIn(t, "../docs/reference/audit-events.md")
	for name := range declared {
		if strings.Contains(name, ".") && !listed[name] {
			t.Errorf("got no %s in audit.Kinds, want it", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("got %s in audit.Kinds, want only kinds that are declared", name)
	}
}

var errorAnswered = regexp.MustCompile(`"error": ?"([a-z_]+)"`)

// TestEveryErrorOfTheScenariosIsInTheReference compares it with recorded answers.
func TestEveryErrorOfTheScenariosIsInTheReference(t *testing.T) {
	known := namesIn(t, "../docs/reference/errors.md")
	files, err := filepath.Glob("../adapters/httpapi/testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		answers, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range errorAnswered.FindAllStringSubmatch(string(answers), -1) {
			seen[m[1]] = true
			if !known[m[1]] {
				t.Errorf("%s: got the error %s, want only those of docs/reference/errors.md", file, m[1])
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("got %d errors in scenarios, want at least 20", len(seen))
	}
}
