package database_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
)

func TestSQLiteURLs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	slashed := filepath.ToSlash(dir)
	for url, file := range map[string]string{
		"sqlite://" + slashed + "/three/slashes.db":           "three/slashes.db",
		"sqlite:///" + slashed + "/four/slashes.db":           "four/slashes.db",
		"sqlite:relative/none.db":                             "relative/none.db",
		"sqlite://./relative/two.db":                          "relative/two.db",
		"sqlite:///./relative/three.db":                       "relative/three.db",
		"sqlite:///alone.db":                                  "alone.db",
		"sqlite://" + slashed + "/odd%20name%3F%23%25%2Fx.db": "odd name?#%/x.db",
		"sqlite:///../" + filepath.Base(dir) + "/upwards.db":  "upwards.db",
	} {
		t.Run(url, func(t *testing.T) {
			db := databasetest.Open(t, url)
			if err := database.Migrate(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSQLiteInMemory(t *testing.T) {
	for _, url := range []string{"sqlite::memory:", "sqlite://:memory:", "sqlite:///:memory:"} {
		t.Chdir(t.TempDir())
		db := databasetest.Open(t, url)
		if err := database.Prepare(t.Context(), db, database.MigrateAuto); err != nil {
			t.Fatalf("Prepare(%s) = %v, want no error", url, err)
		}
		if err := database.CheckSchema(t.Context(), db); err != nil {
			t.Fatalf("CheckSchema(%s) = %v, want no error", url, err)
		}
		if files, err := os.ReadDir("."); err != nil || len(files) != 0 {
			t.Errorf("%s: got the files %v (%v), want none", url, files, err)
		}
	}
}

func TestSQLiteFilesAreForUsAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := databasetest.Open(t, "sqlite://"+filepath.ToSlash(dir)+"/x.db")
	if err := database.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got the mode %v, want none for group and others", d.Name(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrongURLsAreRefusedWithoutRepeatingThem(t *testing.T) {
	for _, url := range []string{
		"", "hunter2", "mysql://root:hunter2@host/db", "postgres://u:hunter2@host:port/db", "postgres://u:hunter2@ho st/%zz",
		"postgres://u:hun?ter2@host:x@y/db", "sqlite:", "sqlite://", "sqlite:///", "sqlite:///x.db?hunter2", "sqlite:///%zz",
	} {
		db, err := database.Open(database.Config{URL: url})
		if err == nil {
			_ = db.Close()
			t.Errorf("Open(%q): got no error, want one", url)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
			t.Errorf("Open(%q): got %v, want an error without the password", url, err)
		}
	}
}
