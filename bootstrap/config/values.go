package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// aliases let a Dify .env work as it is; our own name wins.
var aliases = map[string]string{
	"PUBLIC_URL": "CONSOLE_API_URL",
	"WEB_URL":    "CONSOLE_WEB_URL",
}

// variable is one field of [environment].
type variable struct {
	name   string
	secret bool // may come from the file that NAME_FILE names
}

func variables() (all []variable) {
	for field := range reflect.TypeFor[environment]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		all = append(all, variable{name, field.Tag.Get("secret") == "true"})
	}
	return all
}

// values picks the settings from vars, and says through which variable each came.
// An empty variable is not set. One trailing line end is cut, because files and
// Kubernetes secrets have one.
func values(vars map[string]string, wrong *problems) (known, through map[string]string) {
	known, through = map[string]string{}, map[string]string{}
	for _, s := range variables() {
		name, value := s.name, vars[s.name]
		if value == "" {
			name, value = aliases[s.name], vars[aliases[s.name]]
		}
		if file := vars[s.name+"_FILE"]; s.secret && file != "" {
			if value != "" {
				wrong.settle(s.name, "is set twice: by %s and by %s_FILE", s.name, s.name)
				continue
			}
			text, err := readSecret(file)
			if err != nil {
				wrong.add(s.name+"_FILE", "%v", err)
				wrong.settled[s.name] = true
				continue
			}
			name, value = s.name+"_FILE", text
		}
		value = withoutLineEnd(value)
		if value == "" {
			continue
		}
		if s.isInjected(value) {
			wrong.warn(s.name, "Kubernetes set this variable because a Service has this name; it is ignored")
			continue
		}
		if reason := cannotBeMeant(value); reason != "" {
			wrong.add(name, "%s", reason)
			wrong.settled[s.name] = true
			continue
		}
		known[s.name], through[s.name] = value, name
	}
	return known, through
}

const secretFileMax = 64 << 10

// readSecret reads a file that holds one secret.
func readSecret(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, secretFileMax+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > secretFileMax:
		return "", fmt.Errorf("%s is larger than %d KiB", name, secretFileMax>>10)
	case withoutLineEnd(string(text)) == "":
		return "", fmt.Errorf("%s is empty", name)
	}
	return string(text), nil
}

func withoutLineEnd(value string) string {
	return strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
}

// Docker and Kubernetes set NAME_PORT=tcp://… in each container for a service
// called NAME, which collides with ports that operators set as a number.
var injectedForm = regexp.MustCompile(`^(tcp|udp|sctp)://`)

func (v variable) isInjected(value string) bool {
	return strings.HasSuffix(v.name, "_PORT") && injectedForm.MatchString(value)
}

// quotes are pairs that stay in a value when a shell does not remove them.
var quotes = []string{`""`, `''`, "``", "“”", "‘’", "„“", "«»"}

// placeholders begin what a shell, Compose or Helm would have replaced.
var placeholders = []string{"${", "$(", "{{"}

// nameForm is what stands before the value in a line of an env file, a script, a
// Compose file or PowerShell.
var nameForm = regexp.MustCompile(`^\s*(?:export\s+|set\s+|-e\s*|-\s+|\$env:)?["']?([A-Z0-9_]+)["']?\s*[=:]`)

// withName reports whether a whole line was pasted where its value belongs.
func withName(value string) bool {
	found := nameForm.FindStringSubmatch(value)
	return found != nil && isSetting(found[1])
}

// cannotBeMeant returns why a value must be a mistake, or "". It repeats nothing
// of the value.
func cannotBeMeant(value string) string {
	first, _ := utf8.DecodeRuneInString(value)
	last, _ := utf8.DecodeLastRuneInString(value)
	switch {
	case !utf8.ValidString(value):
		return "is not UTF-8 text"
	case strings.TrimSpace(value) == "":
		return "is only blanks"
	case strings.ContainsAny(value, "\r\n"):
		return "has a line end in it; write it on one line"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "has a control character in it"
	case unicode.Is(unicode.Cf, first) || unicode.Is(unicode.Cf, last): // for example a byte order mark
		return "begins or ends with a character that cannot be seen, for example a byte order mark"
	case withName(value):
		return "begins with the name of a setting; leave the name and the equals sign out"
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return "begins or ends with a blank"
	case utf8.RuneCountInString(value) > 1 && slices.Contains(quotes, string(first)+string(last)):
		return "is written with quotes around it, which would belong to it; leave them out"
	case slices.ContainsFunc(placeholders, func(start string) bool { return strings.HasPrefix(value, start) }):
		return "is a placeholder that was not filled in"
	}
	return ""
}
