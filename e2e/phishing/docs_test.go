package phishing

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	mitigationsDoc = "../../docs/phishing.md"
	assessmentDoc  = "../../docs/phishing-risk-assessment.md"
)

var (
	testNamed    = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	settingNamed = regexp.MustCompile("`([A-Z][A-Z0-9]*_[A-Z0-9_]+|POLICY)`")
	keyNamed     = regexp.MustCompile("`([a-z_]+)`")
	testDeclared = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// declaredTests are the names of all tests of the module.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "../.." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range testDeclared.FindAllSubmatch(text, -1) {
			all[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// mitigations are the cells of the rows of the table of mitigations.
func mitigations(t *testing.T) (rows [][]string) {
	t.Helper()
	_, table, _ := strings.Cut(read(t, mitigationsDoc), "\n## The seventeen mitigations\n")
	table, _, _ = strings.Cut(table, "\n## ")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) == 6 && strings.Trim(cells[0], " 0123456789") == "" {
			rows = append(rows, cells)
		}
	}
	return rows
}

func TestEachMitigationNamesTestsAndSettingsThatExist(t *testing.T) {
	declared, keys := declaredTests(t), read(t, "../../adapters/files/policy.go")
	rows := mitigations(t)
	if len(rows) != 17 {
		t.Fatalf("got %d rows of mitigations, want 17", len(rows))
	}
	for i, cells := range rows {
		if got := strings.TrimSpace(cells[0]); got != network("%d", i+1) {
			t.Errorf("got row %s, want %d", got, i+1)
		}
		for n, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("row %d: got cell %d empty, want a text", i+1, n+1)
			}
		}
		for _, m := range keyNamed.FindAllStringSubmatch(cells[3], -1) {
			if !strings.Contains(keys, `yaml:"`+m[1]+`"`) {
				t.Errorf("row %d: got the setting %s, want one of POLICY_FILE", i+1, m[1])
			}
		}
		tests := testNamed.FindAllStringSubmatch(cells[4], -1)
		if len(tests) == 0 {
			t.Errorf("row %d: got no test, want one at least", i+1)
		}
		for _, m := range tests {
			if !declared[m[1]] {
				t.Errorf("row %d: got %s, want a test that there is", i+1, m[1])
			}
		}
	}
}

func TestTheDocumentsNameSettingsThatExist(t *testing.T) {
	example := read(t, "../../.env.example")
	for _, doc := range []string{mitigationsDoc, assessmentDoc} {
		for _, m := range settingNamed.FindAllStringSubmatch(read(t, doc), -1) {
			if !strings.Contains(example, m[1]+"=") {
				t.Errorf("%s: got the setting %s, want one of .env.example", doc, m[1])
			}
		}
	}
}

func TestTheDocumentHasTheResultsOfEachCampaign(t *testing.T) {
	text := read(t, mitigationsDoc)
	var got bytes.Buffer
	for _, c := range slices.Concat(campaigns, hiding, insiders) {
		if !strings.Contains(text, "\n| "+c.name+" |") {
			got.WriteString(c.name + "; ")
		}
	}
	for _, p := range places {
		if !strings.Contains(text, "\n| "+p.name+" |") {
			got.WriteString(p.name + "; ")
		}
	}
	for _, kind := range kinds() {
		if !strings.Contains(text, "\n| "+kind+" |") {
			got.WriteString(kind + "; ")
		}
	}
	if got.Len() > 0 {
		t.Errorf("got no rows for %s want one each", got.String())
	}
}
