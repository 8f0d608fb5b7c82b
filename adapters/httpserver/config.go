package httpserver

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/devicegate/devicegate/domain/setting"
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

const domainLabel = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`

var cookieDomainForm = regexp.MustCompile(`^` + domainLabel + `(\.` + domainLabel + `)*$`)

// Check lists what is wrong; each [setting.Problem] names a field. A missing URL
// is a missing setting, which is reported where settings are read.
func (c Config) Check() error {
	if c.CookieDomain == "" {
		return nil
	}
	if !cookieDomainForm.MatchString(c.CookieDomain) {
		return setting.Wrong("CookieDomain", "%q is not a domain; write example.com, and international names as xn--…", c.CookieDomain)
	}
	err := c.takesCookies(c.PublicURL, "PUBLIC_URL")
	if c.WebURL != c.PublicURL {
		err = errors.Join(err, c.takesCookies(c.WebURL, "WEB_URL"))
	}
	return err
}

// takesCookies refuses what browsers silently drop (RFC 6265 §5.3): no sign-in
// would end, and nothing would say why.
func (c Config) takesCookies(from *url.URL, name string) error {
	if from == nil || IsLocal(from.Hostname()) { // people try things there, by other names
		return nil
	}
	host := strings.ToLower(from.Hostname())
	_, noIP := netip.ParseAddr(host)
	below := noIP != nil && strings.Contains(c.CookieDomain, ".") && strings.HasSuffix(host, "."+c.CookieDomain)
	if host == c.CookieDomain || below {
		return nil
	}
	return setting.Wrong("CookieDomain", "browsers take no cookies for %s from %s, the host of %s", c.CookieDomain, from.Hostname(), name)
}

// Listeners are the addresses to listen on.
type Listeners struct {
	API        string
	Operations string // empty: none
}

// Check lists what is wrong; each [setting.Problem] names a field.
func (l Listeners) Check() error {
	var errs []error
	if !isListener(l.API) {
		errs = append(errs, setting.Wrong("API", noListener, l.API))
	}
	switch {
	case l.Operations == "":
	case l.Operations == l.API && !strings.HasSuffix(l.API, ":0"):
		errs = append(errs, setting.Wrong("Operations", "is LISTEN_ADDR; give it a port of its own"))
	case !isListener(l.Operations):
		errs = append(errs, setting.Wrong("Operations", noListener, l.Operations))
	}
	return errors.Join(errs...)
}

const noListener = "%q is no address to listen on; write :8080 or 127.0.0.1:8080"

func isListener(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err == nil && port != "" {
		_, err = net.LookupPort("tcp", port) // may be a name, like http
	}
	return err == nil && port != "" && (host == "" || setting.IsHost(host))
}
