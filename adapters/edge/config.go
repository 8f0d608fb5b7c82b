package edge

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
)

// Config says where devicegate is reached. All of it comes from the operator.
type Config struct {
	PublicURL      *url.URL       // of this API, with its path prefix if any
	WebURL         *url.URL       // under which /device lives
	CookieDomain   string         // empty: this host only
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
}

// Edge answers questions about a request by the configuration.
type Edge struct{ cfg Config }

// New makes an Edge.
func New(cfg Config) *Edge { return &Edge{cfg} }

// ErrForeignOrigin refuses a decision that another site's page sent.
var ErrForeignOrigin = fault.New(fault.Forbidden, "forbidden",
	"This request comes from another site. Open the page again and decide there.")

// Public is the address of a path of ours.
func (e *Edge) Public(path string) string { return base(e.cfg.PublicURL) + path }

// Prefix is the path of the public URL, without a slash at its end.
func (e *Edge) Prefix() string { return strings.TrimRight(e.cfg.PublicURL.Path, "/") }

// Page is the address of the page that people see, with the given query.
func (e *Edge) Page(query url.Values) string {
	page := base(e.cfg.WebURL) + "/device"
	if len(query) > 0 {
		page += "?" + query.Encode()
	}
	return page
}

// Local reports whether browsers reach us on this machine only.
func (e *Edge) Local() bool { return IsLocal(e.cfg.PublicURL.Hostname()) }

// IsLocal reports whether a host is this machine, as seen from itself.
func IsLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// Secure reports whether browsers reach us by https.
func (e *Edge) Secure() bool { return e.cfg.PublicURL.Scheme == "https" }

// WebOrigin is the origin of the page.
func (e *Edge) WebOrigin() string { return origin(e.cfg.WebURL) }

// OwnOrigin reports whether an Origin header names us or the page.
func (e *Edge) OwnOrigin(header string) bool {
	return header == origin(e.cfg.PublicURL) || header == origin(e.cfg.WebURL)
}

func base(u *url.URL) string { return strings.TrimRight(u.String(), "/") }

// origin is written as browsers write it in Origin: in lower case, without the
// scheme's own port (RFC 6454 §6.2).
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + host
}
