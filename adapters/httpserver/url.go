package httpserver

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/devicegate/devicegate/domain/setting"
)

// ParseURL reads the address of a server, with a path at most, and returns it in
// the form in which browsers write it. Its error repeats nothing that may hold a
// password.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	bad := err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.Port() != "" && !setting.IsPort(u.Port())
	switch {
	case text == "":
		return nil, errors.New("is required: the address by which browsers reach devicegate, for instance https://sso.example.com")
	case strings.ContainsAny(text, "?#"), strings.Contains(text, "@") && (bad || u.User != nil):
		return nil, errors.New("leave out user, query and fragment; write https://sso.example.com, with a path at most")
	case bad:
		return nil, fmt.Errorf("%q is not an http(s) address", text)
	case strings.ContainsFunc(u.Hostname(), func(r rune) bool { return r > unicode.MaxASCII }):
		return nil, fmt.Errorf("%q: write an international name as xn--…, as browsers send it", text)
	}
	return Normal(u), nil
}

// Normal is the address as browsers write it (RFC 3986 §6.2): scheme and host in
// lower case, without the scheme's own port, without a slash at the end.
func Normal(u *url.URL) *url.URL {
	out := *u // url.Parse has made the scheme lower-case
	out.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":"+u.Port())
	if port := strings.TrimLeft(u.Port(), "0"); port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		out.Host += ":" + port
	}
	out.Path, out.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return &out
}
