package deviceclient

import (
	"errors"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/devicegate/devicegate/domain/setting"
)

// Server is the address of an authorization server in its one normal form:
// scheme and host in lower case, no default port, no slash at the end. Tokens
// are kept under it.
type Server struct{ address string }

// ErrServer refuses an address that cannot be a server's.
var ErrServer = errors.New("the server has to be an http(s) address without user, query and fragment, such as https://sso.example.com")

// ParseServer reads an address; without a scheme it is https.
func ParseServer(text string) (Server, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Port() != "" && !setting.IsPort(u.Port()) || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Server{}, ErrServer
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch u.Scheme + ":" + u.Port() {
	case "http:80", "https:443", "http:", "https:":
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Server{}, ErrServer
	}
	if u.Path != "" {
		u.Path, u.RawPath = strings.TrimSuffix(path.Clean(u.Path), "/"), ""
	}
	return Server{u.String()}, nil
}

// String returns the address.
func (s Server) String() string { return s.address }

// at returns the address of path below the server's own.
func (s Server) at(path string) string { return s.address + path }

// wellKnown returns where RFC 8414 §3.1 puts the metadata: between the host and
// the issuer's path; and below the path, where proxies that pass on nothing
// else still reach it.
func (s Server) wellKnown() []string {
	const name = "/.well-known/oauth-authorization-server"
	u, err := url.Parse(s.address)
	if err != nil || u.Path == "" {
		return []string{s.address + name}
	}
	below := s.address + name
	u.Path = name + u.Path
	return []string{u.String(), below}
}

// Unprotected reports whether tokens would travel in the clear: plain http to
// another machine.
func (s Server) Unprotected() bool {
	u, err := url.Parse(s.address)
	if err != nil || u.Scheme == "https" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}
