package edge

import (
	"net/http"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
)

const (
	grantCookie   = "device_approval_grant"
	browserCookie = "device_sso_browser"
	grantLife     = 5 * time.Minute
	browserLife   = time.Hour
)

// Handle is what the browser's approval-grant cookie holds; it may be zero.
func (e *Edge) Handle(r *http.Request) approval.GrantSession {
	return approval.ParseGrantSession(e.read(r, grantCookie))
}

// SetHandle gives the browser its approval-grant cookie.
func (e *Edge) SetHandle(w http.ResponseWriter, h approval.GrantSession) {
	e.set(w, grantCookie, h.Reveal(), grantLife)
}

// ClearHandle takes the approval-grant cookie away.
func (e *Edge) ClearHandle(w http.ResponseWriter) { e.set(w, grantCookie, "", -1) }

// Browser is what the browser-binding cookie holds; it may be zero.
func (e *Edge) Browser(r *http.Request) approval.BrowserBinding {
	return approval.ParseBrowserBinding(e.read(r, browserCookie))
}

// SetBrowser binds the browser to the trips it begins.
func (e *Edge) SetBrowser(w http.ResponseWriter, b approval.BrowserBinding) {
	e.set(w, browserCookie, b.Reveal(), browserLife)
}

// name adds the prefix by which browsers let nobody but this very host set the
// cookie (RFC 6265bis §4.1.3.2), where its conditions can be met.
func (e *Edge) name(name string) string {
	if e.Secure() && e.cfg.CookieDomain == "" {
		return "__Host-" + name
	}
	return name
}

func (e *Edge) read(r *http.Request, name string) string {
	c, err := r.Cookie(e.name(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// set writes a cookie that reaches every mount and no script. It is Lax: the
// browser brings it along when it comes back from the identity provider.
func (e *Edge) set(w http.ResponseWriter, name, value string, life time.Duration) {
	maxAge := int(life / time.Second)
	if life < 0 {
		maxAge = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: e.name(name), Value: value, Path: "/", Domain: e.cfg.CookieDomain, MaxAge: maxAge,
		Secure: e.Secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
