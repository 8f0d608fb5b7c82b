package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// compare makes the release a second time, where nothing but the sources and the Go
// toolchain is the same, and returns an error that names the files that differ. The
// environment of the second can be changed further.
func (r *release) compare(ctx context.Context, targets string, environment ...string) error {
	folder, err := os.MkdirTemp("", "devicegate-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	sources := filepath.Join(folder, "sources")
	if err := copySources(ctx, sources); err != nil {
		return fmt.Errorf("copy the sources: %w", err)
	}
	elsewhere, err := environmentIn(ctx, folder)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	second, err := os.MkdirTemp("", "devicegate-second-release-")
	if err != nil {
		return err
	}
	again := exec.CommandContext(ctx, self, "-targets", targets, "-out", second,
		"-version", r.version, "-commit", r.commit, "-date", r.date.Format(time.RFC3339))
	again.Dir, again.Env, again.Stderr = sources, slices.Concat(os.Environ(), elsewhere, environment), os.Stderr
	if err := again.Run(); err != nil {
		return errors.Join(fmt.Errorf("make the release again: %w", err), os.RemoveAll(second))
	}
	differing, err := differing(r.out, second, r.made)
	if err == nil && len(differing) > 0 {
		return fmt.Errorf("two releases of %s differ in %s; the second is in %s", r.commit, strings.Join(differing, ", "), second)
	}
	return errors.Join(err, os.RemoveAll(second))
}

// copySources copies the working tree, uncommitted changes included, as another umask
// would have it.
func copySources(ctx context.Context, to string) error {
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) { // deleted, and not committed yet
			continue
		}
		path := filepath.Join(to, name)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// environmentIn has a home, temporary files, modules and an empty build cache of its
// own below a folder, and another time zone and language. Modules are unpacked anew
// out of what was downloaded already.
func environmentIn(ctx context.Context, folder string) ([]string, error) {
	known, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOPROXY", "GOENV").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	lines := strings.Split(strings.ReplaceAll(string(known), "\r", ""), "\n")
	downloaded := filepath.ToSlash(filepath.Join(lines[0], "cache", "download"))
	temporary := filepath.Join(folder, "tmp")
	return []string{
		"HOME=" + filepath.Join(folder, "home"), "TMPDIR=" + temporary,
		"GOPATH=" + filepath.Join(folder, "go"), "GOMODCACHE=", "GOCACHE=" + filepath.Join(folder, "cache"),
		"GOPROXY=file:///" + strings.TrimPrefix(downloaded, "/") + "," + lines[1], "GOENV=" + lines[2],
		"TZ=Asia/Kathmandu", "LC_ALL=de_DE.UTF-8",
	}, os.Mkdir(temporary, 0o700)
}

// differing returns the names of those files that are not the same in both folders.
func differing(one, other string, names []string) (out []string, err error) {
	for _, name := range names {
		a, err1 := os.ReadFile(filepath.Join(one, name))
		b, err2 := os.ReadFile(filepath.Join(other, name))
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if !bytes.Equal(a, b) {
			out = append(out, name)
		}
	}
	return out, nil
}
