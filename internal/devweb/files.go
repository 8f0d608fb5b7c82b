package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// files are those that the page is built of, and how they were last saved.
type files map[string]saved

type saved struct {
	at   time.Time
	size int64
}

func (f files) equal(other files) bool { return maps.Equal(f, other) }

// filesIn finds them below a folder.
func filesIn(folder string) (files, error) {
	found := files{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != folder { // an editor's, gone since
			return nil
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !isPart(entry.Name()) {
			return nil
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			found[path] = saved{info.ModTime(), info.Size()}
		}
		return err
	})
	return found, err
}

// isPart leaves out tests and what editors keep beside the files.
func isPart(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "_test.go") {
		return false
	}
	switch filepath.Ext(name) {
	case ".go", ".html", ".txt", ".css", ".js", ".svg", ".json":
		return true
	}
	return false
}
