package databasetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"
)

// Dump is all that a SQLite database holds, as text.
func Dump(t testing.TB, db *bun.DB) string {
	t.Helper()
	var tables []string
	if err := db.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table'").Scan(t.Context(), &tables); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		if err := db.NewRaw("SELECT * FROM "+table).Scan(t.Context(), &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			fmt.Fprintln(&out, table, row)
		}
	}
	return out.String()
}
