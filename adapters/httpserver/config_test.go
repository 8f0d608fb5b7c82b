package httpserver_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		public, web, domain string
		want                []string // one of each error; none: it is right
	}{
		"no cookie domain":   {"https://sso.example.com", "https://www.example.net", "", nil},
		"one above both":     {"https://sso.example.com", "https://www.example.com", "example.com", nil},
		"the host itself":    {"https://sso.example.com", "https://sso.example.com", "sso.example.com", nil},
		"on this machine":    {"http://localhost:8080", "http://127.0.0.1:3000", "example.com", nil},
		"no domain":          {"https://sso.example.com", "https://sso.example.com", "bad domain", []string{"is not a domain"}},
		"another's":          {"https://sso.example.com", "https://sso.example.com", "example.org", []string{"PUBLIC_URL"}},
		"another's of both":  {"https://sso.example.com", "https://www.example.net", "example.org", []string{"PUBLIC_URL", "WEB_URL"}},
		"not of the page":    {"https://sso.example.com", "https://www.example.net", "example.com", []string{"WEB_URL"}},
		"of an address":      {"https://192.0.2.1", "https://192.0.2.1", "2.1", []string{"PUBLIC_URL"}},
		"a top-level domain": {"https://sso.example.com", "https://sso.example.com", "com", []string{"PUBLIC_URL"}},
	} {
		cfg := config(t, c.public, c.web)
		if c.public == c.web {
			cfg.WebURL = cfg.PublicURL
		}
		cfg.CookieDomain = c.domain
		isRefused(t, name, cfg.Check(), c.want)
	}
	isRefused(t, "URLs that could not be read", httpserver.Config{CookieDomain: "example.com"}.Check(), nil)
}

func TestListenersAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		listeners httpserver.Listeners
		want      []string
	}{
		"one":                {httpserver.Listeners{API: ":8080"}, nil},
		"two":                {httpserver.Listeners{API: "0.0.0.0:http", Operations: "[::1]:9090"}, nil},
		"two free ports":     {httpserver.Listeners{API: "127.0.0.1:0", Operations: "127.0.0.1:0"}, nil},
		"one for both":       {httpserver.Listeners{API: ":8080", Operations: ":8080"}, []string{"is LISTEN_ADDR"}},
		"none":               {httpserver.Listeners{}, []string{"no address"}},
		"no port":            {httpserver.Listeners{API: "127.0.0.1"}, []string{"no address"}},
		"an empty port":      {httpserver.Listeners{API: "127.0.0.1:"}, []string{"no address"}},
		"a URL":              {httpserver.Listeners{API: "http://a:80"}, []string{"no address"}},
		"neither":            {httpserver.Listeners{API: "x", Operations: "y"}, []string{"API: \"x\" is no address", "Operations: \"y\" is no address"}},
		"operations without": {httpserver.Listeners{API: ":8080", Operations: "ops"}, []string{"Operations: \"ops\" is no address"}},
	} {
		isRefused(t, name, c.listeners.Check(), c.want)
	}
}

func isRefused(t *testing.T, name string, err error, want []string) {
	t.Helper()
	if len(want) == 0 {
		if err != nil {
			t.Errorf("%s: got %v, want no error", name, err)
		}
		return
	}
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Errorf("%s: got %v, want %d lines", name, err, len(want))
		return
	}
	for i, part := range want {
		if !strings.Contains(lines[i], part) {
			t.Errorf("%s: got %q, want %q in it", name, lines[i], part)
		}
	}
}
