// Command release builds the archives of a release: the program for Linux, macOS
// and Windows on amd64 and arm64, with the manual page and the completions, their
// checksums, and a list of what the program consists of (CycloneDX). The same
// commit gives the same bits on every machine with the same Go.
//
//	go run ./internal/release                       all platforms, into dist
//	go run ./internal/release -targets linux/amd64 -check
package main

import (
	"bytes"
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
	check           bool // build twice and compare
}

func main() {
	var r release
	targets := flag.String("targets", allTargets, "platforms, as GOOS/GOARCH,…")
	flag.StringVar(&r.version, "version", "", "version; empty: that of git describe")
	flag.StringVar(&r.out, "out", "dist", "folder for the archives")
	flag.BoolVar(&r.check, "check", false, "build each program twice, in two folders and without a cache, and compare")
	flag.Parse()
	if err := r.run(context.Background(), strings.Split(*targets, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (r *release) run(ctx context.Context, targets []string) error {
	if err := r.identify(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	extra, err := r.extra(ctx)
	if err != nil {
		return err
	}
	var sums []string
	keep := func(name string, content []byte) error {
		sums = append(sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name))
		fmt.Println(name)
		return os.WriteFile(filepath.Join(r.out, name), content, 0o644)
	}
	for _, target := range targets {
		goos, goarch, _ := strings.Cut(target, "/")
		program, err := r.build(ctx, ".", goos, goarch)
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
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644)
}

// identify asks git which commit this is.
func (r *release) identify(ctx context.Context) error {
	ask := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err1 := ask("rev-parse", "HEAD")
	date, err2 := ask("show", "-s", "--format=%cI", "HEAD")
	described, err3 := ask("describe", "--tags", "--always", "--dirty")
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return err
	}
	r.commit, r.date = commit, at.UTC()
	if r.version == "" {
		r.version = described
	}
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
	folder, err := os.MkdirTemp("", "devicegate-release-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program := filepath.Join(folder, "devicegate"+exe(runtime.GOOS))
	if err := r.compile(ctx, ".", program, runtime.GOOS, runtime.GOARCH, nil); err != nil {
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

// build returns the program. With check it is built again from a copy of the
// sources in another folder, with an empty cache.
func (r *release) build(ctx context.Context, source, goos, goarch string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "devicegate-release-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	out := filepath.Join(folder, "one")
	if err := r.compile(ctx, source, out, goos, goarch, nil); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(out)
	if err != nil || !r.check {
		return program, err
	}
	elsewhere := filepath.Join(folder, "sources")
	if err := exec.CommandContext(ctx, "git", "clone", "--quiet", "--no-hardlinks", ".", elsewhere).Run(); err != nil {
		return nil, fmt.Errorf("copy the sources: %w", err)
	}
	again := filepath.Join(folder, "two")
	if err := r.compile(ctx, elsewhere, again, goos, goarch, []string{"GOCACHE=" + filepath.Join(folder, "cache")}); err != nil {
		return nil, err
	}
	second, err := os.ReadFile(again)
	if err == nil && !bytes.Equal(program, second) {
		err = fmt.Errorf("%s/%s: two builds of %s differ (uncommitted changes?)", goos, goarch, r.commit)
	}
	return program, err
}

func (r *release) compile(ctx context.Context, source, out, goos, goarch string, env []string) error {
	flags := fmt.Sprintf("-s -w -buildid= -X %[1]s.version=%[2]s -X %[1]s.commit=%[3]s -X %[1]s.date=%[4]s", commandPackage, r.version, r.commit, r.date.Format(time.RFC3339))
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", out, ".")
	build.Dir = source
	build.Env = append(os.Environ(), append(env, "GOFLAGS=", "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOAMD64=v1", "GOARM64=v8.0")...)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build for %s/%s: %w", goos, goarch, err)
	}
	return nil
}

func exe(goos string) string {
	if goos == "windows" {
		return ".exe"
	}
	return ""
}
