package httpapi

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// parseJSON reads one object with each name once. encoding/json would take the
// last of two members of one name and match names in any case; it says here
// whether the text is JSON at all, so that what follows only has to divide it.
// Only the label may be the reason why it is not valid UTF-8.
func parseJSON(text string) (params, error) {
	text = readable(strings.Trim(text, jsonBlanks))
	if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		return nil, notJSON(text)
	}
	p := params{}
	for rest := skipBlanks(text[1:]); rest[0] != '}'; {
		var rawName, rawValue string
		rawName, rest = cutValue(rest)
		rawValue, rest = cutValue(skipBlanks(rest)[1:]) // behind the colon
		rest = skipBlanks(rest)
		if rest[0] == ',' {
			rest = skipBlanks(rest[1:])
		}
		name, value, err := parseMember(rawName, rawValue)
		if err != nil {
			return nil, err
		}
		if p.given(name) {
			return nil, errRepeated
		}
		p[name] = value
	}
	return p, nil
}

func parseMember(rawName, rawValue string) (name string, value param, err error) {
	if name, err = unquote(rawName); err != nil {
		return "", value, err
	}
	if name == labelParam {
		rawValue = decodeLabel(rawValue)
	}
	switch {
	case !utf8.ValidString(rawValue):
		return "", value, errNotUTF8
	case rawValue == "null":
		return name, value, nil
	case rawValue[0] != '"' && name == labelParam:
		return name, value, nil // as if there was none
	case rawValue[0] != '"':
		return name, param{notText: true}, nil
	}
	value.text, err = unquote(rawValue)
	return name, value, err
}

const jsonBlanks = " \t\r\n"

func skipBlanks(text string) string { return strings.TrimLeft(text, jsonBlanks) }

// cutValue cuts the value with which valid JSON begins from what follows it.
func cutValue(text string) (value, rest string) {
	text = skipBlanks(text)
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case quoted:
		case c == '{', c == '[':
			depth++
		case depth > 0 && (c == '}' || c == ']'):
			depth--
			if depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case depth == 0 && strings.IndexByte(",:}"+jsonBlanks, c) >= 0: // behind a number or a word
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// unquote reads a JSON string. Most have no escapes.
func unquote(quoted string) (text string, err error) {
	switch {
	case !utf8.ValidString(quoted):
		return "", errNotUTF8
	case strings.IndexByte(quoted, '\\') < 0:
		return quoted[1 : len(quoted)-1], nil
	case json.Unmarshal([]byte(quoted), &text) != nil:
		return "", errNotJSON
	}
	return text, nil
}

func notJSON(text string) error {
	if name, _, ok := strings.Cut(text, "="); ok && !strings.ContainsAny(name, "{}[]\" \t\r\n") {
		return errFormAsJSON
	}
	return errNotJSON
}
