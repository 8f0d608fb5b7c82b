package config

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var settingName = regexp.MustCompile("`([A-Z][A-Z0-9_]+)`")

// TestDocumentedSettingsHaveCode compares the first columns of the tables in
// docs/configuration.md with the settings that are read (F54).
func TestDocumentedSettingsHaveCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if row, is := strings.CutPrefix(line, "|"); is {
			first, _, _ := strings.Cut(row, "|")
			for _, found := range settingName.FindAllStringSubmatch(first, -1) {
				documented[found[1]] = true
			}
		}
	}
	read := map[string]bool{}
	for _, v := range variables() {
		read[v.name] = true
		if alias := aliases[v.name]; alias != "" {
			read[alias] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if !read[name] {
			t.Errorf("got %s in docs/configuration.md, want only settings that are read", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !documented[name] {
			t.Errorf("got no %s in docs/configuration.md, want a row for each setting", name)
		}
	}
	if len(documented) < 40 {
		t.Errorf("got %d documented settings, want at least 40", len(documented))
	}
}

// TestDocumentedSecretsAreMarked: the mark says that NAME_FILE works, and that
// devicegate config masks the value.
func TestDocumentedSecretsAreMarked(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range (Variables{Values: map[string]string{}}).Effective() {
		if marked := strings.Contains(string(text), "`"+v.Name+"` 🔑"); marked != v.Secret {
			t.Errorf("%s: got it marked as a secret %t, want %t", v.Name, marked, v.Secret)
		}
	}
}
