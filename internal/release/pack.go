package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"maps"
	"slices"
)

func extension(goos string) string {
	if goos == "windows" {
		return ".zip"
	}
	return ".tar.gz"
}

// pack makes the archive: one folder, its files in order, every time that of the
// commit, every owner root.
func (r *release) pack(folder, goos string, program []byte, extra map[string][]byte) ([]byte, error) {
	files := maps.Clone(extra)
	name := "devicegate" + exe(goos)
	files[name] = program
	var out bytes.Buffer
	var add func(path string, mode fs.FileMode, content []byte) error
	var finish func() error
	if goos == "windows" {
		z := zip.NewWriter(&out)
		add = func(path string, mode fs.FileMode, content []byte) error {
			h := &zip.FileHeader{Name: path, Method: zip.Deflate, Modified: r.date}
			h.SetMode(mode)
			w, err := z.CreateHeader(h)
			if err != nil {
				return err
			}
			_, err = w.Write(content)
			return err
		}
		finish = z.Close
	} else {
		compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		t := tar.NewWriter(compressed)
		add = func(path string, mode fs.FileMode, content []byte) error {
			h := &tar.Header{Name: path, Mode: int64(mode), Size: int64(len(content)), ModTime: r.date, Format: tar.FormatPAX}
			if err := t.WriteHeader(h); err != nil {
				return err
			}
			_, err := t.Write(content)
			return err
		}
		finish = func() error { return errors.Join(t.Close(), compressed.Close()) }
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		mode := fs.FileMode(0o644)
		if path == name {
			mode = 0o755
		}
		if err := add(folder+"/"+path, mode, files[path]); err != nil {
			return nil, err
		}
	}
	err := finish()
	return out.Bytes(), err
}
