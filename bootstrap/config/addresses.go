package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func (c *Config) loadAddresses(e environment, wrong *problems) {
	c.ListenAddr = wrong.listener("LISTEN_ADDR", e.ListenAddr)
	switch {
	case e.OpsAddr == "":
	case e.OpsAddr == e.ListenAddr && !strings.HasSuffix(e.OpsAddr, ":0"):
		wrong.add("OPS_ADDR", "is LISTEN_ADDR; give it a port of its own")
	default:
		c.OpsAddr = wrong.listener("OPS_ADDR", e.OpsAddr)
	}
	c.PublicURL = wrong.web("PUBLIC_URL", e.PublicURL)
	if c.WebURL = c.PublicURL; e.WebURL != e.PublicURL {
		c.WebURL = wrong.web("WEB_URL", e.WebURL)
	}
	c.CookieDomain = strings.ToLower(strings.TrimPrefix(e.CookieDomain, "."))
	c.checkCookieDomain(e, wrong)
	c.TrustedProxies = wrong.networks("TRUSTED_PROXIES", e.TrustedProxies)
}

const domainLabel = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`

var cookieDomainForm = regexp.MustCompile(`^` + domainLabel + `(\.` + domainLabel + `)*$`)

// checkCookieDomain refuses what browsers silently drop (RFC 6265 §5.3): no
// sign-in would end, and nothing would say why.
func (c *Config) checkCookieDomain(e environment, wrong *problems) {
	if e.CookieDomain == "" {
		return
	}
	if !cookieDomainForm.MatchString(c.CookieDomain) {
		wrong.add("COOKIE_DOMAIN", "%q is not a domain; write example.com, and international names as xn--…", e.CookieDomain)
		return
	}
	hosts := []struct {
		setting string
		url     *url.URL
	}{{"PUBLIC_URL", c.PublicURL}, {"WEB_URL", c.WebURL}}
	if c.PublicURL == c.WebURL {
		hosts = hosts[:1]
	}
	for _, at := range hosts {
		if at.url == nil || httpserver.IsLocal(at.url.Hostname()) { // people try things there, by other names
			continue
		}
		if !takesCookiesFor(at.url.Hostname(), c.CookieDomain) {
			wrong.add("COOKIE_DOMAIN", "browsers take no cookies for %s from %s, the host of %s", c.CookieDomain, at.url.Hostname(), at.setting)
		}
	}
}

func takesCookiesFor(host, domain string) bool {
	host = strings.ToLower(host)
	_, noIP := netip.ParseAddr(host)
	return host == domain || noIP != nil && strings.Contains(domain, ".") && strings.HasSuffix(host, "."+domain)
}
