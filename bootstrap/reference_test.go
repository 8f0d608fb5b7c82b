package bootstrap_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/commands"
	"github.com/devicegate/devicegate/bootstrap/config"
)

var updateReference = flag.Bool("update", false, "rewrite docs/reference")

const madeFromCode = "Made from the code by `go tool task reference`.\n\n"

// TestTheReferenceIsCurrent compares each file of docs/reference with the code.
func TestTheReferenceIsCurrent(t *testing.T) {
	files := parseModule(t)
	for name, want := range map[string]string{
		"commands.md":      commands.Reference(),
		"configuration.md": configurationReference(),
		"errors.md":        errorReference(files) + pageReference(t, files),
		"audit-events.md":  eventReference(files),
		"metrics.md":       metricReference(files),
		"jobs.md":          jobReference(files),
	} {
		file := "../docs/reference/" + name
		if *updateReference {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || string(got) != want {
			t.Errorf("%s: got another text than the code's (%v), want the same; run: go tool task reference", file, err)
		}
		if strings.Count(want, "\n") < 8 {
			t.Errorf("%s: got %q, want more lines", name, want)
		}
	}
}

// parseModule reads the files that are no tests, by path.
func parseModule(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, folder := range []string{"domain", "ports", "application", "adapters", "bootstrap"} {
		err := filepath.WalkDir("../"+folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files[filepath.ToSlash(path)], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// inOrder visits the files by path, so that every run gives the same text.
func inOrder(files map[string]*ast.File, under string, visit func(ast.Node)) {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(path, under) {
			ast.Inspect(files[path], func(n ast.Node) bool {
				if n != nil {
					visit(n)
				}
				return true
			})
		}
	}
}

// text is a string that is written down; what is put into it at run time is "…".
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.BinaryExpr:
		return text(e.X) + text(e.Y)
	}
	return "…"
}

func selected(e ast.Expr) string {
	if s, is := e.(*ast.SelectorExpr); is {
		if pkg, is := s.X.(*ast.Ident); is {
			return pkg.Name + "." + s.Sel.Name
		}
	}
	return ""
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func configurationReference() string {
	var out strings.Builder
	out.WriteString("# Settings\n\n" + madeFromCode + "[configuration.md](../configuration.md) says what each means. A secret can come from the file that `NAME_FILE` names.\n\n| setting | default | secret |\n|---|---|---|\n")
	for _, s := range (config.Variables{Values: map[string]string{}}).Effective() {
		value, secret := "none", ""
		if s.Value != "" {
			value = "`" + s.Value + "`"
		}
		if s.Secret {
			secret = "yes"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", s.Name, cell(value), secret)
	}
	return out.String()
}

// statuses are those of the kinds, as the comment of package fault has them.
var statuses = map[string]int{
	"Internal": 500, "Invalid": 400, "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404, "MethodNotAllowed": 405, "Conflict": 409,
	"Gone": 410, "TooLarge": 413, "Unprocessable": 422, "RateLimited": 429, "PreconditionFailed": 412, "Upstream": 502, "Unavailable": 503,
}

func errorReference(files map[string]*ast.File) string {
	rows := map[string][]string{}
	inOrder(files, "../", func(n ast.Node) {
		call, is := n.(*ast.CallExpr)
		if !is || selected(call.Fun) != "fault.New" && !isOwnNew(call.Fun) || len(call.Args) != 3 {
			return
		}
		kind := strings.TrimPrefix(selected(call.Args[0]), "fault.")
		if id, is := call.Args[0].(*ast.Ident); is {
			kind = id.Name
		}
		code, message := text(call.Args[1]), text(call.Args[2])
		if statuses[kind] == 0 || strings.Contains(code, "…") {
			return
		}
		row := fmt.Sprintf("| `%s` | %d | %s |\n", code, statuses[kind], cell(message))
		if !slices.Contains(rows[code], row) {
			rows[code] = append(rows[code], row)
		}
	})
	var out strings.Builder
	out.WriteString("# Errors\n\n" + madeFromCode + "The status is that of JSON routes; [integrators.md](../integrators.md) says where routes of an RFC differ. A code that stands here more than once has several reasons; `…` stands for what is filled in.\n\n| code | status | message |\n|---|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(rows)) {
		slices.Sort(rows[code])
		out.WriteString(strings.Join(rows[code], ""))
	}
	return out.String()
}

// pageReference lists the finer codes by which the page, and sso_reason, word some
// refusals.
func pageReference(t *testing.T, files map[string]*ast.File) string {
	t.Helper()
	sentences, words := map[string]any{}, map[string]bool{}
	english, err := os.ReadFile("../adapters/webui/languages/en.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(english, &sentences); err != nil {
		t.Fatal(err)
	}
	inOrder(files, "../", func(n ast.Node) {
		if call, is := n.(*ast.CallExpr); is && len(call.Args) == 1 {
			if of, is := call.Fun.(*ast.SelectorExpr); is && of.Sel.Name == "OnPage" {
				words[text(call.Args[0])] = true
			}
		}
	})
	var out strings.Builder
	out.WriteString("\n## Finer codes of the page\n\nThe page words some refusals more finely than their code; `sso_reason` beside `sso_error` has that word.\n\n| word | what the page says |\n|---|---|\n")
	for _, word := range slices.Sorted(maps.Keys(words)) {
		// One that has no page of its own leads back to a form.
		if title, has := sentences["problem."+word+".title"]; has {
			fmt.Fprintf(&out, "| `%s` | %s. %s |\n", word, title, cell(fmt.Sprint(sentences["problem."+word+".text"])))
		}
	}
	return out.String()
}

// isOwnNew finds New inside package fault.
func isOwnNew(e ast.Expr) bool {
	id, is := e.(*ast.Ident)
	return is && id.Name == "New"
}

// constants are the typed string constants of one type: value to what is said.
func constants(files map[string]*ast.File, under, typed string, say func(name string, spec *ast.ValueSpec) string) (rows []string) {
	inOrder(files, under, func(n ast.Node) {
		spec, is := n.(*ast.ValueSpec)
		if !is || len(spec.Values) != 1 {
			return
		}
		if id, is := spec.Type.(*ast.Ident); !is || id.Name != typed {
			return
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", text(spec.Values[0]), cell(say(spec.Names[0].Name, spec))))
	})
	return rows
}

func eventReference(files map[string]*ast.File) string {
	rows := constants(files, "../domain/audit/event.go", "Kind", func(_ string, spec *ast.ValueSpec) string {
		if comment := strings.TrimSpace(spec.Comment.Text()); comment != "" {
			return comment
		}
		_, said, _ := strings.Cut(text(spec.Values[0]), ".")
		return strings.ReplaceAll(said, "_", " ")
	})
	slices.Sort(rows)
	return "# Audit events\n\n" + madeFromCode + "Each is a row of the table `audit_events`, written in the transaction of the change that it tells of. `go doc ./domain/audit Event` explains the columns.\n\n| event | what happened |\n|---|---|\n" + strings.Join(rows, "")
}

func jobReference(files map[string]*ast.File) string {
	rows := constants(files, "../ports/jobs.go", "JobKind", func(name string, spec *ast.ValueSpec) string {
		said := strings.Join(strings.Fields(spec.Doc.Text()), " ")
		return strings.ToUpper(strings.TrimPrefix(said, name+" ")[:1]) + strings.TrimPrefix(said, name+" ")[1:]
	})
	return "# Background jobs\n\n" + madeFromCode + "[operators.md](../operators.md#background-work) says when each runs.\n\n| kind | what it does |\n|---|---|\n" + strings.Join(rows, "")
}

var metricForm = regexp.MustCompile(`^devicegate_[a-z0-9_]+$`)

func metricReference(files map[string]*ast.File) string {
	said := map[string]string{}
	inOrder(files, "../", func(n ast.Node) {
		switch n := n.(type) {
		case *ast.CompositeLit: // prometheus.…Opts
			fields := map[string]string{}
			for _, e := range n.Elts {
				if pair, is := e.(*ast.KeyValueExpr); is {
					if key, is := pair.Key.(*ast.Ident); is {
						fields[key.Name] = text(pair.Value)
					}
				}
			}
			if metricForm.MatchString(fields["Name"]) {
				said[fields["Name"]] = fields["Help"]
			}
		case *ast.CallExpr: // a function of ours that makes one
			if len(n.Args) > 1 && metricForm.MatchString(text(n.Args[0])) && said[text(n.Args[0])] == "" {
				said[text(n.Args[0])] = text(n.Args[1])
				if called, is := n.Fun.(*ast.Ident); is && called.Name == "currentGauge" {
					said[text(n.Args[0])] = "1 if " + text(n.Args[1]) + " is served, 0 if it was refused."
				}
			}
		}
	})
	var out strings.Builder
	out.WriteString("# Metrics\n\n" + madeFromCode + "`/metrics` on `OPS_ADDR` serves them beside those of Go and of the process.\n\n| metric | what it says |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(said)) {
		fmt.Fprintf(&out, "| `%s` | %s |\n", name, cell(said[name]))
	}
	return out.String()
}
