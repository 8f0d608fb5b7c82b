package commands

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func script(t *testing.T, shell string) string {
	t.Helper()
	var out bytes.Buffer
	if err := (completionCommand{shell}).Run(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// shells complete a line: each gets the script, and prints what it would offer.
var shells = map[string]func(script, line string) []string{
	"bash": func(script, line string) []string {
		return []string{"--norc", "-c", script + "\nCOMP_WORDS=(" + quoted(line) + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _devicegate; printf '%s\\n' \"${COMPREPLY[@]}\""}
	},
	// compadd and compdef are there only while zsh completes. What they run is found
	// by PATH, which the script must not hide.
	"zsh": func(script, line string) []string {
		return []string{"-f", "-c", "compdef() { : }; compadd() { shift; env true || exit; print -l -- \"$@\" }\n" + script + "\nwords=(" + quoted(line) + "); CURRENT=$#words; _devicegate"}
	},
	"fish": func(script, line string) []string {
		return []string{"--no-config", "-c", script + "\ncomplete -C '" + line + "'"}
	},
}

func quoted(line string) string { return "'" + strings.Join(strings.Split(line, " "), "' '") + "'" }

func TestShellsCompleteCommandsAndFlags(t *testing.T) {
	for shell, arguments := range shells {
		t.Run(shell, func(t *testing.T) {
			program, err := exec.LookPath(shell)
			if err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("got no %s, want it installed: CI=true allows no skipping", shell)
				}
				t.Skipf("%s is not on this machine; install the package of that name to run this test", shell)
			}
			for line, want := range map[string][]string{
				"devicegate ":                 {"serve", "doctor", "jobs", "login", "completion"},
				"devicegate jo":               {"jobs"},
				"devicegate jobs ":            {"list", "show", "retry"},
				"devicegate jobs list --":     {"--all", "--help"},
				"devicegate doctor --offl":    {"--offline"},
				"devicegate completion ":      {"bash", "zsh", "fish"},
				"devicegate doctor --json --": {"--strict"},
				"devicegate worker --":        {"--no-schedule"},
			} {
				run := exec.CommandContext(t.Context(), program, arguments(script(t, shell), line)...)
				run.Env = append(os.Environ(), "HOME="+t.TempDir())
				out, err := run.CombinedOutput()
				if err != nil {
					t.Fatalf("%q: got %v, want no error\n%s", line, err, out)
				}
				got := strings.Fields(string(out))
				for _, word := range want {
					if !slices.Contains(got, word) {
						t.Errorf("%q: got %v, want %s among it", line, got, word)
					}
				}
			}
		})
	}
}

func TestEachShellsScriptNamesEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text := script(t, shell)
		for _, d := range describe().all()[1:] {
			if !strings.Contains(text, "'"+d.path+"'") {
				t.Errorf("%s: got no %s, want every command", shell, d.path)
			}
		}
	}
}

func TestTheManualNamesEveryCommandAndFlag(t *testing.T) {
	text := manual(describe(), "v1.2.3")
	for _, d := range describe().all()[1:] {
		if len(d.commands) == 0 && !strings.Contains(text, ".SS devicegate "+roff(d.path)) {
			t.Errorf("got no %s in the manual, want every command", d.path)
		}
		for _, f := range d.flags {
			if f.name != "help" && !strings.Contains(text, roff(f.spelled())) {
				t.Errorf("%s: got no %s in the manual, want every flag", d.path, f.spelled())
			}
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".SS", ".TP", ".B"}, strings.Fields(line)[0]) {
			t.Errorf("got the line %q, want none that roff reads as an unknown request", line)
		}
	}
}
