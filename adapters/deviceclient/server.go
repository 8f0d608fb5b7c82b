package deviceclient

import (
	"errors"
	"fmt"
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

// ErrServer refuses an address that cannot be a server's. [ParseServer] says why.
var ErrServer = errors.New("give the server's address, such as https://sso.example.com")

func wrongServer(why string) error { return fmt.Errorf("%s; %w", why, ErrServer) }

// ParseServer reads an address; without a scheme it is https. Its errors are
// [ErrServer], and repeat nothing of a user, a password or a query.
func ParseServer(text string) (Server, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Server{}, wrongServer("no server is named")
	}
	scheme, _, named := strings.Cut(text, "://")
	switch {
	case !named:
		text = "https://" + text
	case !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		return Server{}, wrongServer("the server's address has to begin with https:// or http://")
	}
	u, err := url.Parse(text)
	if err == nil && u.Host == "" {
		return Server{}, wrongServer("the server's address has no host in it")
	}
	if why := wrongPart(u, err); why != "" {
		return Server{}, wrongServer(why)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch u.Scheme + ":" + u.Port() {
	case "http:80", "https:443", "http:", "https:":
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	if u.Path != "" {
		u.Path, u.RawPath = strings.TrimSuffix(path.Clean(u.Path), "/"), ""
	}
	return Server{u.String()}, nil
}

// wrongPart says what cannot be in a server's address.
func wrongPart(u *url.URL, err error) string {
	switch {
	case err != nil:
		return "the server's address has a character that no address has, or a port that is no number"
	case u.User != nil:
		return "the server's address must not have a user or a password in it: devicegate login asks for neither"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "leave out the ? or # of the server's address, and what follows it"
	case u.Port() != "" && !setting.IsPort(u.Port()):
		return "the port of the server's address has to be a number from 1 to 65535"
	case u.Hostname() == "":
		return "the server's address has no host in it"
	case strings.EqualFold(u.Host, "http") || strings.EqualFold(u.Host, "https") || strings.EqualFold(u.Host, "http:") || strings.EqualFold(u.Host, "https:"):
		return "the server's address has to have :// between https and the host"
	}
	return ""
}

// String returns the address.
func (s Server) String() string { return s.address }

// withoutPath is the server at the root of its host.
func (s Server) withoutPath() Server {
	u, err := url.Parse(s.address)
	if err != nil {
		return s
	}
	u.Path = ""
	return Server{u.String()}
}

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
