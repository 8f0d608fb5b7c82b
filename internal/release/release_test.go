package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A second release is made by the same program: here, by the tests'.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-targets" {
		main()
		return
	}
	os.Exit(m.Run())
}

var example = release{version: "v1.2.3", commit: "abc", date: time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)}

func TestArchivesHoldTheProgramAndAreTheSameEachTime(t *testing.T) {
	extra := map[string][]byte{"README.md": []byte("read me"), "man/devicegate.1": []byte(".TH")}
	for _, goos := range []string{"linux", "windows"} {
		first, err := example.pack("devicegate_1.2.3_x", goos, []byte("program"), extra)
		if err != nil {
			t.Fatal(err)
		}
		second, err := example.pack("devicegate_1.2.3_x", goos, []byte("program"), extra)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: got another archive the second time (%v), want the same", goos, err)
		}
		names, executable := listed(t, goos, first)
		if want := "devicegate_1.2.3_x/README.md devicegate_1.2.3_x/devicegate" + exe(goos) + " devicegate_1.2.3_x/man/devicegate.1"; strings.Join(names, " ") != want {
			t.Errorf("%s: got %v, want %s", goos, names, want)
		}
		if len(executable) != 1 || !strings.Contains(executable[0], "/devicegate") {
			t.Errorf("%s: got %v executable, want the program", goos, executable)
		}
	}
}

func listed(t *testing.T, goos string, archive []byte) (names, executable []string) {
	t.Helper()
	note := func(name string, mode os.FileMode, at time.Time) {
		names = append(names, name)
		if mode&0o111 != 0 {
			executable = append(executable, name)
		}
		if !at.Equal(example.date) {
			t.Errorf("%s: got the time %s, want that of the commit", name, at)
		}
	}
	if goos == "windows" {
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			note(f.Name, f.Mode(), f.Modified)
		}
		return names, executable
	}
	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(compressed); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, executable
		}
		if err != nil {
			t.Fatal(err)
		}
		note(h.Name, h.FileInfo().Mode(), h.ModTime)
	}
}

func TestTheBillOfMaterialsListsWhatIsLinked(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	text, err := billOfMaterials(program, "v1.2.3", example.date)
	if err != nil {
		t.Fatal(err)
	}
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.Metadata.Component.Version != "v1.2.3" || len(b.Parts) == 0 || b.Parts[0].Name != "stdlib" {
		t.Errorf("got %s, want the program's version and the standard library", text)
	}
	if _, err := billOfMaterials([]byte("no program"), "v1", example.date); err == nil {
		t.Error("something else than a program: got nil, want an error")
	}
}

func TestFilesOfThePackageExist(t *testing.T) {
	for _, name := range shipped {
		if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
			t.Error(err)
		}
	}
}

func TestTwoReleasesAreComparedToTheBit(t *testing.T) {
	for name, c := range map[string]struct{ manual, want string }{
		"the same each time":          {`"manual"`, ""},
		"a time stamp in the archive": {`time.Now().String()`, "devicegate_1.2.3_linux_amd64.tar.gz"},
		"the home of the builder":     {`os.Getenv("HOME")`, "devicegate_1.2.3_linux_amd64.tar.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, file := range shipped {
				write(t, file, file)
			}
			write(t, "go.mod", "module sample\n")
			write(t, "main.go", fmt.Sprintf(sample, c.manual))
			if out, err := exec.Command("git", "init", "--quiet").CombinedOutput(); err != nil {
				t.Fatalf("git init: %v: %s", err, out)
			}
			r := example
			r.out = t.TempDir()
			t.Setenv("TMPDIR", t.TempDir())
			if err := r.run(t.Context(), []string{"linux/amd64"}); err != nil {
				t.Fatal(err)
			}
			err := r.compare(t.Context(), "linux/amd64", true)
			if c.want == "" && err != nil {
				t.Errorf("got %v, want no difference", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %s to differ", err, c.want)
			}
		})
	}
}

// The program whose release is made; what its manual says is filled in.
const sample = `package main

import (
	"os"
	"time"
)

var _ = time.Now

func main() {
	if os.Args[1] == "man" {
		os.Stdout.WriteString(%s)
	}
}
`

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
