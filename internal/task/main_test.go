package main

import (
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// "go tool" looks in the module that a folder belongs to.
func TestEveryModuleHasTaskAmongItsTools(t *testing.T) {
	var modules []string
	err := filepath.WalkDir("../..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch entry.Name() {
		case "testdata", "node_modules", "data":
			return filepath.SkipDir
		case "go.mod":
			modules = append(modules, filepath.Dir(file))
		}
		return nil
	})
	if err != nil || len(modules) < 3 {
		t.Fatalf("got %v, %v, want this module, guard and tools", modules, err)
	}
	for _, module := range modules {
		out, err := exec.Command("go", "-C", module, "list", "tool").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", module, err, out)
			continue
		}
		has := false
		for tool := range strings.FieldsSeq(string(out)) {
			has = has || path.Base(tool) == "task"
		}
		if !has {
			t.Errorf("%s: got the tools %q, want task among them", module, out)
		}
	}
}
