package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/domain/setting"
)

// problems collects what is wrong, so that one start reports all of it.
type problems struct {
	lines    []error
	warnings []Warning
	// settled names the settings that could not be read. What follows from their
	// absence is not reported.
	settled map[string]bool
}

// Warning is a setting that works and should be changed.
type Warning struct{ Setting, Text string }

// add keeps a line once, however often it is found.
func (p *problems) add(setting, format string, args ...any) {
	line := setting + ": " + fmt.Sprintf(format, args...)
	if !p.settled[setting] && !slices.ContainsFunc(p.lines, func(e error) bool { return e.Error() == line }) {
		p.lines = append(p.lines, errors.New(line))
	}
}

// settle adds a line after which no other is added for the setting.
func (p *problems) settle(setting, format string, args ...any) {
	p.add(setting, format, args...)
	p.settled[setting] = true
}

func (p *problems) warn(setting, text string) {
	p.warnings = append(p.warnings, Warning{setting, text})
}

// names are the settings behind an adapter's fields; "": another check reports it.
type names map[string]string

// named adds what an adapter found wrong with its Config. Each line names the
// setting instead of the field.
func (p *problems) named(as names, err error) {
	for _, one := range setting.Split(err) {
		var wrong setting.Problem
		if !errors.As(one, &wrong) {
			p.lines = append(p.lines, one)
			continue
		}
		name, known := as[wrong.Field]
		if !known {
			name = wrong.Field
		}
		if name != "" {
			for line := range strings.SplitSeq(wrong.Reason, "\n") {
				p.add(name, "%s", line)
			}
		}
	}
}

func (p *problems) err() error { return errors.Join(p.lines...) }

// web reads the address of a server, with a path at most. What may hold a
// password is not repeated.
func (p *problems) web(setting, text string) *url.URL {
	u, err := url.Parse(text)
	bad := err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.Port() != "" && !isPort(u.Port())
	switch {
	case text == "":
		p.add(setting, "is required: the address by which browsers reach devicegate, for instance https://sso.example.com")
	case strings.ContainsAny(text, "?#"), strings.Contains(text, "@") && (bad || u.User != nil):
		p.add(setting, "leave out user, query and fragment; write https://sso.example.com, with a path at most")
	case bad:
		p.add(setting, "%q is not an http(s) address", text)
	default:
		return normal(u)
	}
	return nil
}

// normal is the address as browsers write it (RFC 3986 §6.2): scheme and host
// in lower case, without the scheme's own port, without a slash at the end.
func normal(u *url.URL) *url.URL {
	out := *u // url.Parse has made the scheme lower-case
	out.Host = strings.ToLower(u.Host)
	out.Host = strings.TrimSuffix(strings.TrimSuffix(out.Host, ":"), map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	out.Path, out.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return &out
}

// origin reads what browsers send in Origin (RFC 6454 §6.2).
func (p *problems) origin(setting, text string) string {
	u := p.web(setting, text)
	if u == nil {
		return ""
	}
	if u.Path != "" {
		p.add(setting, "%q is not an origin; leave out the path: %s://%s", text, u.Scheme, u.Host)
	}
	return u.Scheme + "://" + u.Host
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// listener checks an address to listen on.
func (p *problems) listener(setting, text string) string {
	host, port, err := net.SplitHostPort(text)
	if err == nil && port != "" {
		_, err = net.LookupPort("tcp", port) // may be a name, like http
	}
	if err != nil || port == "" || host != "" && !isHost(host) {
		p.add(setting, "%q is no address to listen on; write :8080 or 127.0.0.1:8080", text)
	}
	return text
}

// isHost takes an IPv6 address in brackets or not.
func isHost(text string) bool {
	_, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return err == nil || hostForm.MatchString(text)
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

func (p *problems) networks(setting string, list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(text); err == nil {
				prefix = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		if err != nil {
			p.add(setting, "%q is not a network; write 10.0.0.0/8", text)
			continue
		}
		out = append(out, unmapped(prefix))
	}
	return out
}

// unmapped is the IPv4 network that an IPv6 one may stand for, as peers do.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func (p *problems) oneOf(setting, value string, choices ...string) string {
	if !slices.Contains(choices, value) {
		p.add(setting, "%q is none of %s", value, strings.Join(choices, ", "))
	}
	return value
}

func (p *problems) between(setting string, value, least, most int) int {
	if value < least || value > most {
		p.add(setting, "%d lies outside %d to %d", value, least, most)
	}
	return value
}
