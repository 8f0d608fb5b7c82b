package httpapi

import (
	"encoding/json"
	"errors"
	"testing"
)

// What is read is what encoding/json reads, but for what is refused: names that
// are given twice, and text that is not UTF-8.
func FuzzJSONIsReadAsEncodingJSONReadsIt(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":"b"}`, `{"a":"b" , "c" : "d"}`, `{"a":1,"b":-1.5e3,"c":true,"d":null}`, `{"a":{"b":["}",{"c":"]"}]},"d":"e"}`,
		`{"a":"\"\\\u00e9\ud83d\ude00","\u0062":"c"}`, `{"a":[],"b":{}}`, `{"a":"b"}{}`, `{"a":}`, `{"a":"b",}`, `[]`, `"{"`, "{\"a\":\"\xff\"}", "\ufeff{}", `{"a":1}x`,
		`{"":""}`, `{"a":"b","a":"c"}`, `{"a":"b"`, `{"a":"\ud800"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want map[string]any
		wrong := json.Unmarshal([]byte(text), &want)
		got, err := parseJSON(text)
		switch {
		case err == nil && (wrong != nil || want == nil):
			t.Fatalf("%q: got %v, want an error", text, got)
		case errors.Is(err, errRepeated), errors.Is(err, errNotUTF8):
			return
		case err != nil && wrong == nil && want != nil:
			t.Fatalf("%q: got %v, want %v", text, err, want)
		case err != nil:
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: got %v, want %v", text, got, want)
		}
		for name, value := range want {
			if s, isText := value.(string); name != labelParam && isText && got[name].text != s || value == nil && got[name] != (param{}) {
				t.Fatalf("%q: got %v for %q, want %v", text, got[name], name, value)
			}
		}
	})
}
