package commands

import (
	"crypto/fips140"
	"fmt"
	"io"
	"runtime/debug"
)

// A release is stamped with these (-ldflags -X); other builds are described by
// what the Go tool knows.
var version, commit, date string

type versionCommand struct {
	JSON bool `help:"As one JSON object." name:"json"`
}

// build says what this program was built from.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"` // of the commit
	Go      string `json:"go"`
	Changed bool   `json:"changed,omitempty"` // the work tree had changes
	FIPS    string `json:"fips140,omitempty"` // the module, in FIPS 140-3 mode
}

// Run prints the version.
func (v versionCommand) Run(out io.Writer) error {
	info, _ := debug.ReadBuildInfo()
	b := builtFrom(info)
	if v.JSON {
		return printJSON(out, b)
	}
	_, err := fmt.Fprintln(out, b)
	return err
}

// String is one line, for people and for issues that they file.
func (b build) String() string {
	text := "devicegate " + b.Version
	if b.Commit != "" {
		text += fmt.Sprintf(" (commit %.12s", b.Commit)
		if b.Changed {
			text += " with changes"
		}
		if b.Date != "" {
			text += ", " + b.Date
		}
		text += ")"
	}
	text += ", " + b.Go
	if b.FIPS != "" {
		text += ", FIPS 140-3 mode with module " + b.FIPS
	}
	return text
}

func builtFrom(info *debug.BuildInfo) build {
	b := build{Version: "unknown"}
	if fips140.Enabled() {
		b.FIPS = fips140.Version()
	}
	if info != nil {
		b.Version, b.Go = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Changed = s.Value == "true"
			}
		}
	}
	if version != "" {
		b.Version, b.Commit, b.Date, b.Changed = version, commit, date, false
	}
	return b
}
