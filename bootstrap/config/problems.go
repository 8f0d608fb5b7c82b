package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/devicegate/devicegate/adapters/httpserver"
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

// web reads the address of a server, with a path at most.
func (p *problems) web(setting, text string) *url.URL {
	u, err := httpserver.ParseURL(text)
	if err != nil {
		p.add(setting, "%s", err)
	}
	return u
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
