package commands

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionNamesCommitAndDate(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-28T10:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	info.Main.Version = "v1.2.3"
	if got, want := builtFrom(info).String(), "devicegate v1.2.3 (commit 0123456789ab with changes, 2026-11-28T10:00:00Z), go1.26"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := builtFrom(nil).String(), "devicegate unknown, "; got != want {
		t.Errorf("without build information: got %q, want %q", got, want)
	}
	version, commit, date = "v2.0.0", "fedcba", "2026-12-01T00:00:00Z"
	defer func() { version, commit, date = "", "", "" }()
	if got, want := builtFrom(info).String(), "devicegate v2.0.0 (commit fedcba, 2026-12-01T00:00:00Z), go1.26"; got != want {
		t.Errorf("a stamped build: got %q, want %q", got, want)
	}
}
