package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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
