// Package mail hands mail to an SMTP server (RFC 5321).
//
// A server that hangs, refuses or answers without end costs a minute at most.
// Errors say what the server answered, without addresses and credentials: they
// are kept with the job and stand in the log.
package mail

import (
	"errors"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/devicegate/devicegate/domain/setting"
)

// Config says where mail is handed in, and from which address. Both are set, or
// none.
type Config struct {
	// URL is smtp://user:password@host:587, where STARTTLS is required unless
	// tls=off follows, or smtps:// for TLS from the start (RFC 8314).
	URL  string
	From string // RFC 5322 mailbox
}

// IsZero reports whether mail is off.
func (c Config) IsZero() bool { return c == Config{} }

var errURL = setting.Wrong("URL", "use smtp://user:password@host:587 (STARTTLS is required; ?tls=off for a server on this machine), or smtps:// for TLS from the start; "+
	"in a user or password write @ as %%40, # as %%23, / as %%2F, ? as %%3F and %% as %%25")

// Check lists everything that is wrong, without the secrets in it.
func (c Config) Check() error {
	if c.IsZero() {
		return nil
	}
	_, err1 := c.server()
	_, err2 := c.sender()
	return errors.Join(err1, err2)
}

// server is the URL taken apart.
type server struct {
	host, port     string
	user, password string
	implicitTLS    bool
	plain          bool
}

func (c Config) server() (server, error) {
	if c.URL == "" {
		return server{}, setting.Wrong("URL", "is required where the sender's address is set")
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Opaque != "" || strings.Contains(c.URL, "#") || strings.Trim(u.Path, "/") != "" {
		return server{}, errURL
	}
	s := server{host: u.Hostname(), port: u.Port()}
	switch u.Scheme {
	case "smtps":
		s.implicitTLS = true
	case "smtp":
	default:
		return server{}, errURL
	}
	q, err := url.ParseQuery(u.RawQuery)
	for name, values := range q {
		if name != "tls" || len(values) != 1 || values[0] != "off" && values[0] != "required" || s.implicitTLS && values[0] == "off" {
			err = errURL
		}
		s.plain = len(values) == 1 && values[0] == "off"
	}
	if err != nil || !setting.IsHost(s.host) || s.port != "" && !setting.IsPort(s.port) {
		return server{}, errURL
	}
	if s.port == "" {
		s.port = map[bool]string{true: "465", false: "587"}[s.implicitTLS]
	}
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
		if s.user == "" || s.password == "" {
			return server{}, setting.Wrong("URL", "has a user or a password, but not both")
		}
	}
	if s.plain && s.user != "" && !isLocal(s.host) {
		return server{}, setting.Wrong("URL", "would send the password without TLS; leave tls=off out")
	}
	return s, nil
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c Config) sender() (*mail.Address, error) {
	if c.From == "" {
		return nil, setting.Wrong("From", "is required where a mail server is set, for instance: devicegate <no-reply@example.com>")
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil || strings.ContainsFunc(from.Name, unicode.IsControl) || strings.ContainsFunc(from.Address, unicode.IsControl) {
		return nil, setting.Wrong("From", "is no address; write no-reply@example.com, or devicegate <no-reply@example.com>")
	}
	return from, nil
}
