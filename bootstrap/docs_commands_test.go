package bootstrap_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/commands"
)

// commandLine is how the commands are called: by path, with the flags of each.
type commandLine map[string][]string

var (
	flagCell = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	flagWord = regexp.MustCompile(`^--?[a-z][a-z-]*`)
	plain    = regexp.MustCompile(`^[a-z][a-z-]*$`)
)

func knownCommands() commandLine {
	all := commandLine{}
	for section := range strings.SplitSeq(commands.Reference(), "\n## ") {
		path, rest, _ := strings.Cut(section, "\n")
		if strings.HasPrefix(path, "#") {
			continue
		}
		flags := []string{"--help", "-h"}
		for _, m := range flagCell.FindAllStringSubmatch(rest, -1) {
			for spelled := range strings.SplitSeq(m[1], ", ") {
				name, _, _ := strings.Cut(spelled, "=")
				if negatable, is := strings.CutPrefix(name, "--[no-]"); is {
					flags = append(flags, "--no-"+negatable)
					name = "--" + negatable
				}
				flags = append(flags, name)
			}
		}
		all[path] = flags
	}
	return all
}

func (c commandLine) isGroup(name string) bool {
	for path := range c {
		if strings.HasPrefix(path, name+" ") {
			return true
		}
	}
	return false
}

// wrong says what of a call after the program's name there is not. A piece
// after | is another command of the group if it is one word: "list | show".
func (c commandLine) wrong(call string) string {
	first, others, _ := strings.Cut(call, "|")
	words := strings.Fields(first)
	if len(words) == 0 || !plain.MatchString(words[0]) || words[0] == "help" {
		return ""
	}
	path, rest := words[0], words[1:]
	if c.isGroup(path) {
		if len(rest) == 0 || !plain.MatchString(rest[0]) {
			return ""
		}
		group := path
		path, rest = path+" "+rest[0], rest[1:]
		for other := range strings.SplitSeq(others, "|") {
			if word := strings.TrimSpace(other); plain.MatchString(word) && c[group+" "+word] == nil {
				return group + " " + word
			}
		}
	}
	flags := c[path]
	if flags == nil {
		return path
	}
	for _, word := range rest {
		if word == ">" || word == "#" || word == "&&" || word == "-n" && path != "audit tail" {
			break
		}
		if flag := flagWord.FindString(word); flag != "" && !slices.Contains(flags, flag) {
			return path + " " + flag
		}
	}
	return ""
}

var called = regexp.MustCompile(`(?:^|[\s$/(])(?:devicegate|go run \.) ([^;]+)`)

// flagsOfOthers are flags of other programs that the handbooks name without
// their program.
var flagsOfOthers = []string{"--here", "--build"}

// Messages of the log, spans of traces and checks of doctor that begin like a command.
var notCommands = []string{"audit day sealed", "audit events cannot be delivered", "saml begin", "saml verify", "saml metadata", "audit webhook", "audit syslog", "audit collector", "audit otlp"}

// ours reports whether a piece of code begins with a command of ours, without
// the program's name: "tokens revoke", "serve --with-worker".
func (c commandLine) ours(piece string) bool {
	words := strings.Fields(piece)
	return len(words) > 1 && (c.isGroup(words[0]) && plain.MatchString(words[1]) || c[words[0]] != nil && strings.HasPrefix(words[1], "--"))
}

func TestWrongCallsAreFound(t *testing.T) {
	known := knownCommands()
	for call, want := range map[string]string{
		"serve": "", "serve --no-with-worker": "", "audit tail -n 50": "", "incidents list | show | contain": "", "config --json | jq .": "",
		"jobs": "", "tokens revoke --from=192.0.2.0/24 --yes": "",
		"start":                           "start",
		"jobs delete 5":                   "jobs delete",
		"incidents list | shwo":           "incidents shwo",
		"tokens revoke --subject a --now": "tokens revoke --now",
		"serve --yes":                     "serve --yes",
	} {
		if got := known.wrong(call); got != want {
			t.Errorf("%s: got %q, want %q", call, got, want)
		}
	}
}

func TestDocsNameCommandsThatExist(t *testing.T) {
	known := knownCommands()
	var flags []string
	for _, of := range known {
		flags = append(flags, of...)
	}
	for file, text := range documents(t) {
		for _, piece := range codeIn(text) {
			calls := []string{}
			for _, m := range called.FindAllStringSubmatch(piece, -1) {
				calls = append(calls, m[1])
			}
			if known.ours(piece) && !slices.Contains(notCommands, piece) {
				calls = append(calls, piece)
			}
			for _, call := range calls {
				if wrong := known.wrong(call); wrong != "" {
					t.Errorf("%s: %q: got %q, want a command that there is", file, piece, wrong)
				}
			}
			if flag := flagWord.FindString(piece); strings.HasPrefix(flag, "--") && !slices.Contains(flags, flag) && !slices.Contains(flagsOfOthers, flag) {
				t.Errorf("%s: got the flag %s, want one that a command has", file, flag)
			}
		}
	}
}

// TestRefusalsNameCommandsThatExist reads what the program itself says: its
// sentences lead to commands, too.
func TestRefusalsNameCommandsThatExist(t *testing.T) {
	known := knownCommands()
	reference, err := os.ReadFile("../docs/reference/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range regexp.MustCompile(`devicegate ([a-z][a-z -]*[a-z])`).FindAllStringSubmatch(string(reference), -1) {
		found++
		if wrong := known.wrong(m[1]); wrong != "" {
			t.Errorf("docs/reference/errors.md: %q: got %q, want a command that there is", m[0], wrong)
		}
	}
	if found < 5 {
		t.Errorf("got %d commands in refusals, want at least 5", found)
	}
}

// TestEveryCommandIsInAHandbook is the other way round: a command that only the
// reference knows is one that is not found.
func TestEveryCommandIsInAHandbook(t *testing.T) {
	var all strings.Builder
	for _, text := range handbooks(t) {
		all.WriteString(text)
	}
	known := knownCommands()
	for path := range known {
		if !strings.Contains(all.String(), "devicegate "+path) && !strings.Contains(all.String(), "`"+path) {
			t.Errorf("got no devicegate %s in the handbooks, want every command", path)
		}
	}
	if len(known) < 50 {
		t.Errorf("got %d commands, want at least 50", len(known))
	}
}
