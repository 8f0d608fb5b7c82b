package guard_test

import (
	"os"
	"strings"
	"testing"
)

// What guard requires, every API that imports it requires too.
func TestTheModuleRequiresNothing(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word != "" && word != "module" && word != "go" && word != "tool" {
			t.Errorf("go.mod: got %s, want no line that importers would inherit", line)
		}
	}
}
