// Command release builds the archives of a release: the program for Linux, macOS
// and Windows on amd64 and arm64, with the manual page and the completions, their
// checksums, and a list of what the program consists of (CycloneDX). The same
// commit gives the same bits on every machine with the same Go.
//
//	go run ./internal/release                       all platforms, into dist
//	go run ./internal/release -targets linux/amd64 -check
//	go run ./internal/release -targets linux/amd64 -check -cached
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	commandPackage = "github.com/devicegate/devicegate/bootstrap/commands"
	allTargets     = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"
)

// shipped are the files of the repository that stand in each archive, besides its
// licence.
var shipped = []string{
	"README.md", "CHANGELOG.md", ".env.example", "docs/configuration.md", "docs/operators.md", "docs/cli.md",
	"deploy/systemd/devicegate.service", "deploy/systemd/devicegate-worker.service",
}

type release struct {
	version, commit string
	date            time.Time // of the commit: nothing in an archive depends on today
	out             string
	made            []string // names of the files that are there by now
	programs        string   // folder for programs that are built
}

func main() {
	var r release
	targets := flag.String("targets", allTargets, "platforms, as GOOS/GOARCH,…")
	flag.StringVar(&r.version, "version", "", "version; empty: that of git describe")
	flag.StringVar(&r.commit, "commit", "", "commit; empty: that of git")
	flag.Func("date", "date of the commit (RFC 3339); empty: that of git", func(text string) (err error) {
		r.date, err = time.Parse(time.RFC3339, text)
		return err
	})
	flag.StringVar(&r.out, "out", "dist", "folder for the archives")
	check := flag.Bool("check", false, "make everything a second time, in another folder and environment without a cache, and compare")
	cached := flag.Bool("cached", false, "with -check: take other modules from the build cache, and compile our own packages alone")
	flag.Parse()
	ctx := context.Background()
	err := r.run(ctx, strings.Split(*targets, ","))
	if err == nil && *check {
		err = r.compare(ctx, *targets, *cached)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (r *release) run(ctx context.Context, targets []string) (err error) {
	if err := r.identify(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if r.programs, err = os.MkdirTemp("", "devicegate-programs-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.programs) }()
	extra, err := r.extra(ctx)
	if err != nil {
		return err
	}
	var sums []string
	keep := func(name string, content []byte) error {
		sums = append(sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name))
		fmt.Println(name)
		return r.write(name, content)
	}
	for _, target := range targets {
		goos, goarch, _ := strings.Cut(target, "/")
		path, err := r.build(ctx, goos, goarch)
		if err != nil {
			return err
		}
		program, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("devicegate_%s_%s_%s", strings.TrimPrefix(r.version, "v"), goos, goarch)
		archive, err := r.pack(name, goos, program, extra)
		if err != nil {
			return err
		}
		if err := keep(name+extension(goos), archive); err != nil {
			return err
		}
		list, err := billOfMaterials(program, r.version, r.date)
		if err != nil {
			return err
		}
		if err := keep(name+".cdx.json", list); err != nil {
			return err
		}
	}
	slices.Sort(sums)
	return r.write("SHA256SUMS", []byte(strings.Join(sums, "")))
}

func (r *release) write(name string, content []byte) error {
	r.made = append(r.made, name)
	return os.WriteFile(filepath.Join(r.out, name), content, 0o644)
}

// identify asks git for what it was not told about this commit.
func (r *release) identify(ctx context.Context) error {
	ask := func(known bool, args ...string) (string, error) {
		if known {
			return "", nil
		}
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err1 := ask(r.commit != "", "rev-parse", "HEAD")
	date, err2 := ask(!r.date.IsZero(), "show", "-s", "--format=%cI", "HEAD")
	described, err3 := ask(r.version != "", "describe", "--tags", "--always", "--dirty")
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	r.commit, r.version = cmp.Or(r.commit, commit), cmp.Or(r.version, described)
	if r.date.IsZero() {
		at, err := time.Parse(time.RFC3339, date)
		if err != nil {
			return err
		}
		r.date = at
	}
	r.date = r.date.UTC()
	return nil
}

// extra are the files that are the same on every platform.
func (r *release) extra(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	licences, err := filepath.Glob("LICENSE*")
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Concat(shipped, licences) {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all[name] = content
	}
	program, err := r.build(ctx, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	for file, args := range map[string][]string{
		"man/devicegate.1": {"man"}, "completions/devicegate.bash": {"completion", "bash"},
		"completions/_devicegate": {"completion", "zsh"}, "completions/devicegate.fish": {"completion", "fish"},
	} {
		content, err := exec.CommandContext(ctx, program, args...).Output()
		if err != nil {
			return nil, fmt.Errorf("devicegate %s: %w", args[0], err)
		}
		all[file] = content
	}
	return all, nil
}

// build returns the path of the program for a platform, and builds it unless it has
// done so already.
func (r *release) build(ctx context.Context, goos, goarch string) (string, error) {
	path := filepath.Join(r.programs, "devicegate_"+goos+"_"+goarch+exe(goos))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	flags := fmt.Sprintf("-s -w -buildid= -X %[1]s.version=%[2]s -X %[1]s.commit=%[3]s -X %[1]s.date=%[4]s", commandPackage, r.version, r.commit, r.date.Format(time.RFC3339))
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", path, ".")
	// Modules that can be deleted: a second release unpacks its own.
	build.Env = append(os.Environ(), "GOFLAGS=-modcacherw", "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOAMD64=v1", "GOARM64=v8.0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build for %s/%s: %w", goos, goarch, err)
	}
	return path, nil
}

func exe(goos string) string {
	if goos == "windows" {
		return ".exe"
	}
	return ""
}
