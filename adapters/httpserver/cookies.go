package httpserver

import (
	"net/http"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
)

// Cookie describes one of our cookies. No script reads it. It is Lax: the
// browser sends it when it comes back from the identity provider's site.
type Cookie struct {
	Name   string
	Path   string        // of the addresses to which the browser sends it
	Life   time.Duration // after which the browser forgets it
	Shared bool          // it also goes to the other hosts of COOKIE_DOMAIN
}

var (
	grantCookie   = Cookie{Name: "device_approval_grant", Path: "/", Life: 5 * time.Minute, Shared: true}
	browserCookie = Cookie{Name: "device_sso_browser", Path: "/", Life: time.Hour, Shared: true}
)

// Cookies sets and reads cookies. Everything that the configuration says about
// them is decided here: they are Secure if PUBLIC_URL, the address from which
// they are set, is https.
type Cookies struct {
	domain string
	secure bool
}

// NewCookies makes the cookies.
func NewCookies(cfg Config) *Cookies { return &Cookies{cfg.CookieDomain, cfg.secure()} }

// GrantSession is what the browser's approval-grant cookie holds; it may be zero.
// Another host of COOKIE_DOMAIN can set a cookie of this name, too, as Dify's own
// login does: of several the first counts that can be ours.
func (c *Cookies) GrantSession(r *http.Request) approval.GrantSession {
	return firstOf(c, r, grantCookie, approval.ParseGrantSession)
}

// SetGrantSession gives the browser its approval-grant cookie.
func (c *Cookies) SetGrantSession(w http.ResponseWriter, s approval.GrantSession) {
	c.Set(w, grantCookie, s.Reveal())
}

// ClearGrantSession removes the approval-grant cookie.
func (c *Cookies) ClearGrantSession(w http.ResponseWriter) { c.Clear(w, grantCookie) }

// BrowserBinding is what the browser-binding cookie holds; it may be zero.
func (c *Cookies) BrowserBinding(r *http.Request) approval.BrowserBinding {
	return firstOf(c, r, browserCookie, approval.ParseBrowserBinding)
}

// firstOf is the first cookie of a name that parse takes; zero: there is none.
func firstOf[T interface{ IsZero() bool }](c *Cookies, r *http.Request, cookie Cookie, parse func(string) T) (none T) {
	for _, found := range r.CookiesNamed(c.name(cookie)) {
		if value := parse(found.Value); !value.IsZero() {
			return value
		}
	}
	return none
}

// SetBrowserBinding binds the browser to the sign-ins it begins.
func (c *Cookies) SetBrowserBinding(w http.ResponseWriter, b approval.BrowserBinding) {
	c.Set(w, browserCookie, b.Reveal())
}

// Read returns the value of a cookie, or "".
func (c *Cookies) Read(r *http.Request, cookie Cookie) string {
	found, err := r.Cookie(c.name(cookie))
	if err != nil {
		return ""
	}
	return found.Value
}

// Set gives the browser a cookie.
func (c *Cookies) Set(w http.ResponseWriter, cookie Cookie, value string) {
	c.write(w, cookie, value, int(cookie.Life/time.Second))
}

// Clear removes a cookie from the browser.
func (c *Cookies) Clear(w http.ResponseWriter, cookie Cookie) { c.write(w, cookie, "", -1) }

func (c *Cookies) write(w http.ResponseWriter, cookie Cookie, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name(cookie), Value: value, Path: cookie.Path, Domain: c.domainOf(cookie), MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (c *Cookies) domainOf(cookie Cookie) string {
	if cookie.Shared {
		return c.domain
	}
	return ""
}

// name adds the prefix by which browsers let only this host set the cookie
// (RFC 6265bis §4.1.3.2), where its conditions are met.
func (c *Cookies) name(cookie Cookie) string {
	if c.secure && cookie.Path == "/" && c.domainOf(cookie) == "" {
		return "__Host-" + cookie.Name
	}
	return cookie.Name
}
