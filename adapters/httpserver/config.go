package httpserver

import (
	"net/netip"
	"net/url"
)

// Config says where browsers and clients reach devicegate.
type Config struct {
	PublicURL      *url.URL       // of the API and of our own pages, with its path prefix if any
	WebURL         *url.URL       // below which /device lives; PublicURL unless the operator has a page of their own
	CookieDomain   string         // empty: this host only
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	HSTS           bool           // send Strict-Transport-Security if PublicURL is https
}

func (c Config) secure() bool { return c.PublicURL.Scheme == "https" }
