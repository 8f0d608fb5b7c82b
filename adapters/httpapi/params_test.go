package httpapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
)

func posted(contentType, text string) (params, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
	r.Header.Set("Content-Type", contentType)
	return body(httptest.NewRecorder(), r)
}

// texts are the parameters that are text and not empty: those a form can carry.
func (p params) texts() map[string]string {
	out := map[string]string{}
	for name := range p {
		if v, err := p.text(name); err == nil && v != "" {
			out[name] = v
		}
	}
	return out
}

func FuzzParams(f *testing.F) {
	for _, text := range []string{
		``, `{}`, `{"a":"b"}`, `{"a":"b","a":"c"}`, `{"a":null}`, `{"a":1,"b":{"c":[true]}}`, `{"a":"b"}x`, `{"a":`, `null`, `[]`, `{"\ud800":"\udc00"}`,
		`a=b`, `a=b&a=c`, `a=%ff`, `a=%zz`, `a=b;c=d`, `a`, `=`, `&&`, `a=b+c%20d`, "a=\x00", "\xff",
	} {
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded", "", "text/plain", "application/json; charset=utf-8", ";"} {
			f.Add(contentType, text)
		}
	}
	f.Fuzz(func(t *testing.T, contentType, text string) {
		p, err := posted(contentType, text)
		if err != nil {
			if refused, expected := fault.Of(err); !expected || refused.Kind != fault.Invalid && refused.Kind != fault.TooLarge {
				t.Fatalf("posted(%s, %q) = %v, want an invalid or too large request", contentType, text, err)
			}
			return
		}
		said, form := p.texts(), url.Values{}
		for name, value := range said {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Fatalf("got the parameter %q = %q, want UTF-8", name, value)
			}
			form.Set(name, value)
		}
		object, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		for contentType, text := range map[string]string{
			"application/json": string(object), "application/x-www-form-urlencoded": form.Encode(), "": string(object),
		} {
			if len(text) > bodyMax {
				continue // escapes have made it longer
			}
			again, err := posted(contentType, text)
			if err != nil || !maps.Equal(again.texts(), said) {
				t.Fatalf("posted(%s, %q) = %q (%v), want %q as before", contentType, text, again.texts(), err, said)
			}
		}
	})
}
