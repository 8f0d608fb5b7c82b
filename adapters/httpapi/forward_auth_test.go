package httpapi

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestHeaderValuesCannotBreakAHeader(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"ann@acme.example":          "ann@acme.example",
		"https://idp.example/a?b=c": "https://idp.example/a?b=c",
		"å@acme.example":            "%C3%A5@acme.example",
		"a\r\nX-Evil: 1":            "a%0D%0AX-Evil:%201",
		"100%":                      "100%25",
		"%C3%A5":                    "%25C3%25A5",
		"\x00\x7f\xff":              "%00%7F%FF",
	} {
		got := headerValue(text)
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if back, err := url.PathUnescape(got); err != nil || back != text {
			t.Errorf("PathUnescape(%q) = %q, %v, want %q", got, back, err, text)
		}
	}
}

func TestWhatAProxySaysIsLoggedWithoutSecrets(t *testing.T) {
	for _, c := range []struct{ method, header, uri, wantMethod, wantPath string }{
		{"GET", "X-Forwarded-Uri", "/api/items?token=hunter2", "GET", "/api/items"},
		{"DELETE", "X-Original-URI", "/api/items", "DELETE", "/api/items"},
		{"", "X-Forwarded-Uri", "", "PROPFIND", ""},
		{"VERSION-CONTROL", "X-Forwarded-Uri", "/", "VERSION-CONTROL", "/"},
		{"G\tET", "X-Forwarded-Uri", "/dfoe_hunter2/x", "?", "/[token]/x"},
		{strings.Repeat("A", 21), "X-Forwarded-Uri", "/%64foe_hunter2", "?", "/[token]"},
		{"GET", "X-Forwarded-Uri", "/" + strings.Repeat("å", 150), "GET", "/" + strings.Repeat("å", 99) + "…"},
		{"GET", "X-Forwarded-Uri", "/\xff%zz", "GET", "/?%zz"},
	} {
		r := httptest.NewRequest("PROPFIND", "/oauth2/forward-auth", nil)
		r.Header.Set("X-Forwarded-Method", c.method)
		r.Header.Set(c.header, c.uri)
		if method, path := forwarded(r); method != c.wantMethod || path != c.wantPath {
			t.Errorf("%q %q: got %q %q, want %q %q", c.method, c.uri, method, path, c.wantMethod, c.wantPath)
		}
	}
}
