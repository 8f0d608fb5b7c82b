package bootstrap_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents are the texts for people, by path. Those in docs/reference are made
// from the code.
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
			all[filepath.ToSlash(file)] = string(text)
		}
	}
	if len(all) < 10 {
		t.Errorf("got %d documents, want at least 10", len(all))
	}
	return all
}

// handbooks are the documents about this release: neither the references
// nor what is only about earlier ones.
func handbooks(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for file, text := range documents(t) {
		if !strings.Contains(file, "/reference/") && !strings.Contains(file, "/decisions/") && file != "../CHANGELOG.md" {
			all[file] = text
		}
	}
	return all
}

var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// codeIn are the pieces of code of a document: spans, and lines of blocks.
func codeIn(text string) []string {
	spans, lines := codeOf(text)
	return append(spans, lines...)
}

func codeOf(text string) (spans, lines []string) {
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "):
			lines = append(lines, strings.TrimSpace(line))
		default:
			for _, m := range codeSpan.FindAllStringSubmatch(line, -1) {
				spans = append(spans, m[1])
			}
		}
	}
	return spans, lines
}

var (
	taskNamed = regexp.MustCompile(`^(?:go tool )?task ([a-z][a-z:-]*)`)
	linked    = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

func TestDocsNameTasksAndFilesThatExist(t *testing.T) {
	tasks, err := os.ReadFile("../Taskfile.yml")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range documents(t) {
		for _, piece := range codeIn(text) {
			if m := taskNamed.FindStringSubmatch(piece); m != nil && !strings.Contains(string(tasks), "\n  "+m[1]+":\n") {
				t.Errorf("%s: got the task %s, want one that there is", file, m[1])
			}
		}
		for _, m := range linked.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: got a link to %s, want one to a file that there is", file, m[1])
			}
		}
	}
}

// The map of the README names every folder of the rules and of the adapters.
func TestTheMapNamesEveryFolder(t *testing.T) {
	readme := documents(t)["../README.md"]
	for _, layer := range []string{"domain", "adapters"} {
		folders, err := os.ReadDir("../" + layer)
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			if folder.IsDir() && folder.Name() != "internal" && !strings.Contains(readme, folder.Name()+"/ ") {
				t.Errorf("got no %s/%s in the README's map, want it there", layer, folder.Name())
			}
		}
	}
}
