package bootstrap_test

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/commands"
	"github.com/devicegate/devicegate/domain/incident"
)

var (
	histogramPart = regexp.MustCompile("_(count|sum|bucket)$")
	settingWord   = regexp.MustCompile(`(?:^|[^\w$/.])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b`)
	snakeWord     = regexp.MustCompile(`(?:^|[^\w./-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(\.[a-z]+)?\b`)
	dottedWord    = regexp.MustCompile(`(?:^|[^\w./-])([a-z]+)\.([a-z_]+)\b`)
	firstCell     = regexp.MustCompile("(?m)^\\| (`[^|]+) \\|")
	quotedName    = regexp.MustCompile("`([A-Za-z_0-9.]+)`")
)

// namesIn are the names in the first column of the tables of a document.
func namesIn(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, cell := range firstCell.FindAllStringSubmatch(string(text), -1) {
		for _, name := range quotedName.FindAllStringSubmatch(cell[1], -1) {
			all[name[1]] = true
		}
	}
	if len(all) < 5 {
		t.Errorf("%s: got %d names, want at least 5", file, len(all))
	}
	return all
}

func TestDocsNameMetricsThatExist(t *testing.T) {
	metrics := namesIn(t, "../docs/reference/metrics.md")
	others := []string{"devicegate_schema", "devicegate_changes"} // a table, and a channel of NOTIFY
	for file, text := range documents(t) {
		for _, piece := range codeIn(text) {
			for _, name := range metricWord.FindAllString(piece, -1) {
				// "devicegate_acs_…" stands for several.
				some := strings.Contains(piece, name+"…")
				if !metrics[histogramPart.ReplaceAllString(name, "")] && !some && !slices.Contains(others, name) {
					t.Errorf("%s: got the metric %s, want one that there is", file, name)
				}
			}
		}
	}
}

// Variables of other programs, of the tests, and placeholders.
var variablesOfOthers = []string{
	"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "E2E_DATABASE_URL", "E2E_REDIS_URL", "E2E_VALKEY", "E2E_SIMPLESAMLPHP", "DEVICEGATE_SERVER", "DEVICEGATE_INTROSPECTION_CLIENT",
	"NAME_FILE", "NAME_PORT", "CLIENT_ID", "CLIENT_SECRET", "OUR_ENTITY_ID", "INTROSPECTION_SECRET",
	"REJECT_REQUEST", "CGO_ENABLED",
}

func TestDocsNameSettingsThatExist(t *testing.T) {
	// A test of package config compares this file with the settings, both ways.
	known := namesIn(t, "../docs/configuration.md")
	for file, text := range handbooks(t) {
		for _, piece := range codeIn(text) {
			for _, m := range settingWord.FindAllStringSubmatch(piece, -1) {
				name := m[1]
				if !known[name] && !known[strings.TrimSuffix(name, "_FILE")] && !slices.Contains(variablesOfOthers, name) {
					t.Errorf("%s: %q: got the setting %s, want one that there is", file, piece, name)
				}
			}
		}
	}
}

// Words of other products, of standards and of past releases.
var wordsOfOthers = []string{"mmap_size", "authorization_details", "path_prefix", "app_not_configured", "app_not_configured_for_user", "new_privatekey", "new_certificate", "federation_metadata", "saml_subject", "simple_protocol", "pg_dump", "pg_promote", "synchronous_standby_names", "synchronous_commit", "trip_expired", "no_trip_of_this_browser"}

// TestDocsNameWordsThatTheCodeHas takes every word with an underscore that stands
// within a sentence: codes of errors, reasons, jobs, fields, parameters. Blocks
// hold configurations of other programs as well.
func TestDocsNameWordsThatTheCodeHas(t *testing.T) {
	words := vocabulary(t)
	for file, text := range handbooks(t) {
		spans, _ := codeOf(text)
		for _, piece := range spans {
			for _, m := range snakeWord.FindAllStringSubmatch(piece, -1) {
				if word := m[1]; m[2] == "" && !words[word] && !slices.Contains(wordsOfOthers, word) {
					t.Errorf("%s: %q: got %s, want a word of the code or its documents", file, piece, word)
				}
			}
		}
	}
}

// vocabulary are the words of the code that are no identifiers of Go: those in
// strings and tags, of the schema, the page and the descriptions of the APIs.
func vocabulary(t *testing.T) map[string]bool {
	t.Helper()
	words := map[string]bool{}
	add := func(text string) {
		for _, word := range regexp.MustCompile(`[a-z][a-z0-9]*(?:_[a-z0-9]+)+`).FindAllString(text, -1) {
			words[word] = true
		}
	}
	inOrder(parseModule(t), "../", func(n ast.Node) {
		if literal, is := n.(*ast.BasicLit); is {
			add(literal.Value)
		}
	})
	for _, folder := range []string{"../migrations", "../adapters/webui", "../docs", "../guard", "../deploy"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains([]string{".sql", ".yaml", ".html", ".go"}, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			add(string(text))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return words
}

func TestDocsNameEventsThatExist(t *testing.T) {
	events := namesIn(t, "../docs/reference/audit-events.md")
	subjects := map[string]bool{}
	for event := range events {
		subject, _, _ := strings.Cut(event, ".")
		subjects[subject] = true
	}
	for file, text := range documents(t) {
		for _, piece := range codeIn(text) {
			for _, m := range dottedWord.FindAllStringSubmatch(piece, -1) {
				isFile := slices.Contains([]string{"go", "md", "yaml", "json", "jsonl", "db", "com", "example"}, m[2])
				if event := m[1] + "." + m[2]; subjects[m[1]] && !events[event] && !isFile {
					t.Errorf("%s: %q: got the event %s, want one that there is", file, piece, event)
				}
			}
		}
	}
}

// constantsOf are the values of the constants of one type in a file.
func constantsOf(t *testing.T, file, typed string) (values []string) {
	t.Helper()
	inOrder(parseModule(t), file, func(n ast.Node) {
		if spec, is := n.(*ast.ValueSpec); is && len(spec.Values) == 1 {
			if id, is := spec.Type.(*ast.Ident); is && id.Name == typed {
				values = append(values, text(spec.Values[0]))
			}
		}
	})
	if len(values) < 3 {
		t.Errorf("got %d constants %s in %s, want at least 3", len(values), typed, file)
	}
	return values
}

func TestEverySignalIsListedAndExplained(t *testing.T) {
	explained := namesIn(t, "../docs/incidents.md")
	for _, signal := range constantsOf(t, "../domain/incident/signal.go", "Signal") {
		if !slices.Contains(incident.Signals, incident.Signal(signal)) {
			t.Errorf("got incident.Signals without %s, want it in the list: metrics have no series for it", signal)
		}
		if !explained[signal] {
			t.Errorf("got no row for %s in docs/incidents.md, want one that says what happened", signal)
		}
	}
}

func TestEverySinkIsExplained(t *testing.T) {
	handbook, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	reference := map[string]string{}
	for section := range strings.SplitSeq(commands.Reference(), "\n## ") {
		path, rest, _ := strings.Cut(section, "\n")
		reference[path] = rest
	}
	for _, sink := range constantsOf(t, "../domain/audit/delivery.go", "Sink") {
		if !strings.Contains(strings.ToLower(string(handbook)), sink) {
			t.Errorf("got docs/audit.md without %s, want it explained", sink)
		}
		for _, command := range []string{"audit deliveries", "audit replay"} {
			if !strings.Contains(reference[command], sink) {
				t.Errorf("got the help of %s without %s, want its name", command, sink)
			}
		}
	}
}
