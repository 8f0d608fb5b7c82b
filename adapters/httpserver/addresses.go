package httpserver

import (
	"net/netip"
	"net/url"
	"strings"
)

// pagePath is where the first page lies below a base URL.
const pagePath = "/device"

// Addresses are the URLs by which browsers and clients reach devicegate.
type Addresses struct {
	public, web             *url.URL
	publicBase, webBase     string
	publicOrigin, webOrigin string
}

// NewAddresses makes the addresses.
func NewAddresses(cfg Config) *Addresses {
	return &Addresses{
		public: cfg.PublicURL, web: cfg.WebURL,
		publicBase: base(cfg.PublicURL), webBase: base(cfg.WebURL),
		publicOrigin: origin(cfg.PublicURL), webOrigin: origin(cfg.WebURL),
	}
}

// Public is the address of a path of the API.
func (a *Addresses) Public(path string) string { return a.publicBase + path }

// Prefix is the path of PUBLIC_URL, without a slash at its end.
func (a *Addresses) Prefix() string { return strings.TrimRight(a.public.Path, "/") }

// WebPage is the address of the page below WEB_URL, which may be the operator's
// own, with the given query.
func (a *Addresses) WebPage(query url.Values) string { return page(a.webBase, query) }

// OwnPage is the address of our own page, which lies below PUBLIC_URL whatever
// WEB_URL is, with the given query.
func (a *Addresses) OwnPage(query url.Values) string { return page(a.publicBase, query) }

// PagePath is the path of our own first page, as browsers see it.
func (a *Addresses) PagePath() string { return a.Prefix() + pagePath }

func page(base string, query url.Values) string {
	if len(query) == 0 {
		return base + pagePath
	}
	return base + pagePath + "?" + query.Encode()
}

// Local reports whether browsers reach us on this machine only.
func (a *Addresses) Local() bool { return IsLocal(a.public.Hostname()) }

// IsLocal reports whether a host is this machine, as seen from itself.
func IsLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// WebOrigin is the origin of WEB_URL.
func (a *Addresses) WebOrigin() string { return a.webOrigin }

// isOwnOrigin reports whether an Origin header names PUBLIC_URL's origin or
// WEB_URL's.
func (a *Addresses) isOwnOrigin(header string) bool {
	return header == a.publicOrigin || header == a.webOrigin
}

func base(u *url.URL) string { return strings.TrimRight(u.String(), "/") }

// origin is written as browsers write it in Origin: in lower case, without the
// scheme's default port (RFC 6454 §6.2).
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + host
}
