package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// entry is one variable of an env file.
type entry struct {
	name, value string
	line        int
	literal     bool // in single quotes: a $ means itself
}

var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// parseEnvFile reads lines of NAME=value as shells, Docker Compose and editors
// on Windows write them: with "export" before the name, quotes around the value,
// comments, CR LF line ends and a byte order mark. Its error lists each line
// that cannot be read. It repeats nothing of a line, which may hold a secret.
func parseEnvFile(file string, text []byte) ([]entry, error) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.IndexByte(text, 0) >= 0 {
		return nil, fmt.Errorf("%s: is not UTF-8 text but perhaps UTF-16; save it as UTF-8", file)
	}
	p := envParser{rest: strings.TrimPrefix(string(text), "\ufeff")}
	var all []entry
	var errs []error
	for p.rest != "" {
		one, reason := p.next()
		switch {
		case reason != "":
			errs = append(errs, fmt.Errorf("%s:%d: %s", file, one.line, reason))
		case one.name != "":
			all = append(all, one)
		}
	}
	return all, errors.Join(errs...)
}

type envParser struct {
	rest string
	line int // the one that was read last
}

func (p *envParser) readLine() string {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	p.line++
	return strings.TrimSuffix(line, "\r")
}

// next reads one line, or several where quotes span them. The entry has no name
// if there is no variable, and a line in any case.
func (p *envParser) next() (one entry, reason string) {
	text := strings.Trim(p.readLine(), " \t")
	one.line = p.line
	switch {
	case text == "" || text[0] == '#':
		return one, ""
	case !utf8.ValidString(text):
		return one, "is not UTF-8 text"
	}
	name, value, found := strings.Cut(text, "=")
	if rest, is := strings.CutPrefix(name, "export"); is && rest != "" && strings.ContainsAny(rest[:1], " \t") {
		name = strings.TrimLeft(rest, " \t")
	}
	name = strings.TrimRight(name, " \t")
	switch {
	case !found:
		return one, "has no =; write NAME=value, and a comment after #"
	case !variableForm.MatchString(name):
		return one, "has something else than a name before the =; write NAME=value"
	}
	switch quoted := strings.TrimLeft(value, " \t"); {
	case strings.HasPrefix(quoted, `'`), strings.HasPrefix(quoted, `"`):
		one.literal = quoted[0] == '\''
		value, reason = p.quoted(quoted[0], quoted[1:])
	default:
		value = withoutComment(value)
	}
	if reason == "" {
		one.name, one.value = name, value
	}
	return one, reason
}

// withoutComment ends a value at a # that follows a blank.
func withoutComment(value string) string {
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
		}
	}
	return strings.Trim(value, " \t")
}

var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '"': `"`, '\\': `\`, '$': "$"}

// quoted reads up to the closing quote. Between double quotes a backslash
// escapes, between single quotes nothing does.
func (p *envParser) quoted(quote byte, text string) (value, reason string) {
	var out strings.Builder
	for {
		for i := 0; i < len(text); i++ {
			if text[i] == quote {
				after := strings.Trim(text[i+1:], " \t")
				if after != "" && after[0] != '#' {
					return "", "has text after the closing quote"
				}
				return out.String(), ""
			}
			if quote == '"' && text[i] == '\\' && i+1 < len(text) && escapes[text[i+1]] != "" {
				i++
				out.WriteString(escapes[text[i]])
				continue
			}
			out.WriteByte(text[i])
		}
		if p.rest == "" {
			return "", "has no closing quote"
		}
		out.WriteByte('\n')
		text = p.readLine()
	}
}
