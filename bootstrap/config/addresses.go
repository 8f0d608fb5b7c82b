package config

import (
	"strings"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func (c *Config) loadAddresses(e environment, wrong *problems) {
	listeners := httpserver.Listeners{API: e.ListenAddr, Operations: e.OpsAddr}
	c.ListenAddr, c.OpsAddr = listeners.API, listeners.Operations
	wrong.named(names{"API": "LISTEN_ADDR", "Operations": "OPS_ADDR"}, listeners.Check())
	c.PublicURL = wrong.web("PUBLIC_URL", e.PublicURL)
	if c.WebURL = c.PublicURL; e.WebURL != e.PublicURL {
		c.WebURL = wrong.web("WEB_URL", e.WebURL)
	}
	c.CookieDomain = strings.ToLower(strings.TrimPrefix(e.CookieDomain, "."))
	if c.CookieDomain == "" && e.CookieDomain != "" {
		c.CookieDomain = e.CookieDomain // a dot alone is no domain
	}
	c.TrustedProxies = wrong.networks("TRUSTED_PROXIES", e.TrustedProxies)
	wrong.named(names{"CookieDomain": "COOKIE_DOMAIN"}, c.HTTPServer().Check())
}

// HTTPServer is what the JSON routes and the pages share.
func (c Config) HTTPServer() httpserver.Config {
	return httpserver.Config{
		PublicURL: c.PublicURL, WebURL: c.WebURL, CookieDomain: c.CookieDomain, TrustedProxies: c.TrustedProxies, HSTS: c.HSTS,
	}
}
