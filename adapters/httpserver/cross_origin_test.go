package httpserver_test

import (
	"net/http"
	"testing"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func TestOriginsOfOurOwn(t *testing.T) {
	for _, test := range []struct {
		public, web string
		own         []string
		foreign     []string
	}{
		{
			"https://api.example.com/gate", "https://console.example.com",
			[]string{"https://api.example.com", "https://console.example.com"},
			[]string{
				"null", "http://api.example.com", "https://api.example.com:8443", "https://evil.example", "https://example.com",
				"https://api.example.com.evil.example", "https://api.example.com/", "https://api.example.com/gate", "https://xapi.example.com",
			},
		},
		{"https://SSO.Example.com:443", "http://sso.example.com:80", []string{"https://sso.example.com", "http://sso.example.com"}, []string{"https://sso.example.com:80"}},
		{"http://localhost:8080", "http://localhost:8080", []string{"http://localhost:8080"}, []string{"http://localhost", "http://127.0.0.1:8080"}},
		{"http://[::1]:8080", "http://[::1]:8080", []string{"http://[::1]:8080"}, nil},
	} {
		c := protection(t, test.public, test.web)
		for _, o := range test.own {
			for _, from := range []string{"", "same-origin", "same-site", "cross-site"} {
				if err := c.Check(sent("Origin", o, "Sec-Fetch-Site", from)); err != nil {
					t.Errorf("%s from %q: got %v, want it to pass", o, from, err)
				}
			}
		}
		for _, o := range test.foreign {
			for _, from := range []string{"", "same-site", "cross-site", "nonsense"} {
				if err := c.Check(sent("Origin", o, "Sec-Fetch-Site", from)); err == nil {
					t.Errorf("%s from %q passes, want 403", o, from)
				}
			}
		}
	}
}

func TestCrossOriginRequests(t *testing.T) {
	c := protection(t, "https://sso.example.com", "https://console.example.com")
	for name, test := range map[string]struct {
		r    *http.Request
		pass bool
	}{
		"no browser": {sent(), true},
		"F28: a proxy's Referrer-Policy: no-referrer makes Origin null": {sent("Origin", "null", "Sec-Fetch-Site", "same-origin"), true},
		"opened by the person":       {sent("Sec-Fetch-Site", "none"), true},
		"null without the other":     {sent("Origin", "null"), false},
		"null from another site":     {sent("Origin", "null", "Sec-Fetch-Site", "cross-site"), false},
		"another site, no Origin":    {sent("Sec-Fetch-Site", "cross-site"), false},
		"a sibling site, no Origin":  {sent("Sec-Fetch-Site", "same-site"), false},
		"one of two origins foreign": {sent("Origin", "https://sso.example.com", "Origin", "https://evil.example"), false},
		"the Host that was asked is no origin of ours": {func() *http.Request {
			r := sent("Origin", "https://evil.example")
			r.Host = "evil.example"
			return r
		}(), false},
	} {
		if err := c.Check(test.r); (err == nil) != test.pass {
			t.Errorf("%s: got %v, want passing: %t", name, err, test.pass)
		}
	}
}

func protection(t *testing.T, public, web string) *httpserver.CrossOrigin {
	t.Helper()
	c, err := httpserver.NewCrossOrigin(httpserver.NewAddresses(config(t, public, web)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sent(header ...string) *http.Request {
	r := request("192.0.2.7:1")
	r.Host = "sso.example.com"
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "" {
			r.Header.Add(header[i], header[i+1])
		}
	}
	return r
}
