package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// parseJSON reads one object. encoding/json would take the last of two members
// of one name, match names in any case, and overlook what follows the object.
func parseJSON(text string) (params, error) {
	decode := decodeMember
	if !utf8.ValidString(text) {
		decode = decodeMixedMember
	}
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, notJSON(text)
	}
	p := params{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, errNotJSON
		}
		name, _ := t.(string)
		if _, twice := p[name]; twice {
			return nil, errRepeated
		}
		if p[name], err = decode(d, name); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return p, nil
}

func decodeMember(d *json.Decoder, _ string) (value any, err error) {
	if d.Decode(&value) != nil {
		return nil, errNotJSON
	}
	return value, nil
}

// decodeMixedMember reads a member of an object that is not valid UTF-8, of which
// only the label may be the reason.
func decodeMixedMember(d *json.Decoder, name string) (value any, err error) {
	var raw json.RawMessage
	if d.Decode(&raw) != nil {
		return nil, errNotJSON
	}
	text := string(raw)
	if name == labelParam {
		text = decodeLabel(text)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(name, utf8.RuneError) {
		return nil, errNotUTF8
	}
	if json.Unmarshal([]byte(text), &value) != nil {
		return nil, errNotJSON
	}
	return value, nil
}

func notJSON(text string) error {
	if name, _, ok := strings.Cut(text, "="); ok && !strings.ContainsAny(name, "{}[]\" \t\r\n") {
		return errFormAsJSON
	}
	return errNotJSON
}
