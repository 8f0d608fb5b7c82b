package bootstrap_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/commands"
)

// documents are the texts for people, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = string(text)
		}
	}
	if len(all) < 10 {
		t.Errorf("got %d documents, want at least 10", len(all))
	}
	return all
}

var (
	commandNamed  = regexp.MustCompile("`devicegate ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")
	metricNamed   = regexp.MustCompile("`(devicegate_[a-z0-9_]+)[`{]")
	histogramPart = regexp.MustCompile("_(count|sum|bucket)$")
	taskNamed     = regexp.MustCompile("go tool task ([a-z][a-z:]*)")
	linked        = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

func TestDocsNameWhatExists(t *testing.T) {
	reference, metrics := commands.Reference(), metricReference(parseModule(t))
	tasks, err := os.ReadFile("../Taskfile.yml")
	if err != nil {
		t.Fatal(err)
	}
	tables := []string{"devicegate_schema"}
	for file, text := range documents(t) {
		for _, m := range commandNamed.FindAllStringSubmatch(text, -1) {
			is := func(path string) bool { return strings.Contains(reference, "\n## "+path+"\n") }
			isGroup := strings.Contains(reference, "\n## "+m[1]+" ")
			if !is(m[1]) && !isGroup || isGroup && m[2] != "" && !is(m[1]+" "+m[2]) {
				t.Errorf("%s names the command devicegate %s %s, which there is not", file, m[1], m[2])
			}
		}
		for _, m := range metricNamed.FindAllStringSubmatch(text, -1) {
			name := histogramPart.ReplaceAllString(m[1], "")
			if !strings.Contains(metrics, "`"+name+"`") && !slices.Contains(tables, m[1]) {
				t.Errorf("%s names the metric %s, which there is not", file, m[1])
			}
		}
		for _, m := range taskNamed.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(tasks), "\n  "+m[1]+":\n") {
				t.Errorf("%s names the task %s, which there is not", file, m[1])
			}
		}
		for _, m := range linked.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which there is not", file, m[1])
			}
		}
	}
}
