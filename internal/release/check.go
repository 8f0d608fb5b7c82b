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
	"strings"
	"time"
)

// compare makes the release a second time, where nothing but the sources and the Go
// toolchain is the same, and returns an error that names the files that differ. With
// shareCache the second takes the packages of Go and of other modules from the build
// cache, and compiles those of the sources alone.
func (r *release) compare(ctx context.Context, targets string, shareCache bool) error {
	folder, err := os.MkdirTemp("", "devicegate-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	sources := filepath.Join(folder, "sources")
	end := ""
	if shareCache {
		end = "\n" // the cache knows a package by its sources, and the program is the same with it
	}
	if err := copySources(ctx, sources, end); err != nil {
		return fmt.Errorf("copy the sources: %w", err)
	}
	elsewhere, err := environmentIn(ctx, folder, shareCache)
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
	again.Dir, again.Env, again.Stderr = sources, append(os.Environ(), elsewhere...), os.Stderr
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
// would have it. Each Go file gets end as its last line.
func copySources(ctx context.Context, to, end string) error {
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) { // deleted, and not committed yet
			continue
		}
		if filepath.Ext(name) == ".go" {
			content = append(content, end...)
		}
		path := filepath.Join(to, name)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// environmentIn has a home, temporary files, modules and, unless it is shared, an empty
// build cache of its own below a folder, and another time zone and language. Modules
// are unpacked anew out of what was downloaded already.
func environmentIn(ctx context.Context, folder string, shareCache bool) ([]string, error) {
	known, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOPROXY", "GOENV", "GOCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	lines := strings.Split(strings.ReplaceAll(string(known), "\r", ""), "\n")
	downloaded := filepath.ToSlash(filepath.Join(lines[0], "cache", "download"))
	temporary, cache := filepath.Join(folder, "tmp"), filepath.Join(folder, "cache")
	if shareCache {
		cache = lines[3]
	}
	return []string{
		"HOME=" + filepath.Join(folder, "home"), "TMPDIR=" + temporary,
		"GOPATH=" + filepath.Join(folder, "go"), "GOMODCACHE=", "GOCACHE=" + cache,
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
