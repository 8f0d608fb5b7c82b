package migrations_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/migrations"
)

var (
	comment  = regexp.MustCompile(`--.*`)
	index    = regexp.MustCompile(`(?i)\b(CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+(CONCURRENTLY\b)?[^;]*`)
	onTable  = regexp.MustCompile(`(?i)\bON\s+(\w+)`)
	newTable = regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
)

// F13: an index is built and dropped beside the writers of its table, which the
// last release goes on using. The tables of a file's own have no writers yet.
func TestNoMigrationLocksTheWritersOfAFullTable(t *testing.T) {
	files, err := fs.Glob(migrations.Files, "postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files, %v, want at least one", len(files), err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults(string(text)) {
			t.Errorf("%s: got %s, want none (see docs/contributing.md)", name, fault)
		}
	}
}

func TestAMigrationThatLocksWritersIsFound(t *testing.T) {
	const concurrent = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (c);\n"
	for text, want := range map[string]int{
		concurrent: 0,
		"-- +goose Up\nCREATE TABLE t (c int);\nCREATE INDEX i ON t (c);\n": 0,
		"-- +goose Up\nCREATE INDEX i ON t (c);\n":                          1,
		"-- +goose Up\ncreate unique index if not exists i on t (c);\n":     1,
		"-- +goose Up\nDROP INDEX i;\n":                                     1,
		"-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (c);\n":             1,
		concurrent + "ALTER TABLE t ADD d int;\n":                           1,
	} {
		if got := faults(text); len(got) != want {
			t.Errorf("%s\ngot %q, want %d faults", text, got, want)
		}
	}
}

// faults are what a PostgreSQL migration does that locks writers out, or that
// cannot be done again after it was broken off.
func faults(text string) (found []string) {
	alone := strings.Contains(text, "-- +goose NO TRANSACTION")
	up, _, _ := strings.Cut(comment.ReplaceAllString(strings.ReplaceAll(text, "-- +goose Down", ";;Down"), ""), ";;Down")
	own := map[string]bool{}
	for _, table := range newTable.FindAllStringSubmatch(up, -1) {
		own[strings.ToLower(table[1])] = true
	}
	for _, statement := range index.FindAllStringSubmatch(up, -1) {
		table := onTable.FindStringSubmatch(statement[0])
		if table != nil && own[strings.ToLower(table[1])] {
			continue
		}
		switch concurrently := statement[2] != ""; {
		case !concurrently:
			found = append(found, statement[0]+" without CONCURRENTLY")
		case !alone:
			found = append(found, statement[0]+" needs NO TRANSACTION")
		}
	}
	if rest := strings.TrimSpace(strings.ReplaceAll(index.ReplaceAllString(up, ""), ";", "")); alone && rest != "" {
		found = append(found, "a file without a transaction holds more than indexes: "+rest)
	}
	return found
}
