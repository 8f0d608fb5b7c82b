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

func TestBashCompletesCommandsAndFlags(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI=true allows no skipping: install bash")
		}
		t.Skip("bash is not on this machine; install it to run this test")
	}
	for line, want := range map[string][]string{
		"devicegate ":                 {"serve", "doctor", "jobs", "login", "completion"},
		"devicegate jo":               {"jobs"},
		"devicegate jobs ":            {"list", "show", "retry"},
		"devicegate jobs list --":     {"--all", "--help"},
		"devicegate doctor --offl":    {"--offline"},
		"devicegate completion ":      {"bash", "zsh", "fish"},
		"devicegate doctor --json --": {"--strict"},
	} {
		words := strings.Split(line, " ")
		quoted := "'" + strings.Join(words, "' '") + "'"
		run := exec.CommandContext(t.Context(), bash, "--norc", "-c",
			script(t, "bash")+"\nCOMP_WORDS=("+quoted+"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _devicegate; printf '%s\\n' \"${COMPREPLY[@]}\"")
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := strings.Fields(string(out))
		for _, word := range want {
			if !slices.Contains(got, word) {
				t.Errorf("%q: got %v, want %s among it", line, got, word)
			}
		}
	}
}

func TestEachShellsScriptNamesEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text := script(t, shell)
		for _, d := range describe().all()[1:] {
			if !strings.Contains(text, "'"+d.path+"'") {
				t.Errorf("%s: %s is not named", shell, d.path)
			}
		}
	}
}

func TestTheManualNamesEveryCommandAndFlag(t *testing.T) {
	text := manual(describe(), "v1.2.3")
	for _, d := range describe().all()[1:] {
		if len(d.commands) == 0 && !strings.Contains(text, ".SS devicegate "+roff(d.path)) {
			t.Errorf("%s is not in the manual", d.path)
		}
		for _, f := range d.flags {
			if f.name != "help" && !strings.Contains(text, roff(f.spelled())) {
				t.Errorf("%s %s is not in the manual", d.path, f.spelled())
			}
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".SS", ".TP", ".B"}, strings.Fields(line)[0]) {
			t.Errorf("a line would be read as a request: %s", line)
		}
	}
}
