package webui

import (
	"net/http"
	"net/url"
	"strings"
)

// cookieCheck is the parameter of an address at which the browser has a cookie of the
// pages, or accepts none. Its value names the page to go on to.
const cookieCheck = "cookies"

// hasCookies reports whether the browser sent any cookie of the pages.
func (p *base) hasCookies(r *http.Request) bool {
	for _, name := range []string{pageStateCookie, probeCookie, languageCookie, undoCookie, connectionCookie} {
		if p.readCookie(r, name) != "" {
			return true
		}
	}
	return false
}

// cookiesOff reports whether the browser may accept no cookies: it comes from one
// of our pages, each of which sets one, and sends none.
func (p *base) cookiesOff(r *http.Request) bool {
	if p.hasCookies(r) {
		return false
	}
	from, err := url.Parse(r.Referer())
	return err == nil && from.Host == p.host && (from.Path == p.root || strings.HasPrefix(from.Path, p.root+"/"))
}

// checkCookies sends the browser to a page by way of the address at which it is seen
// whether it accepts cookies. The answer sets one. The request may have come without
// any because they were off until now, or because it is the first one.
func (p *base) checkCookies(w http.ResponseWriter, r *http.Request, to string) {
	page, fragment, _ := strings.Cut(strings.TrimPrefix(to, "/"), "#")
	address := "?" + url.Values{cookieCheck: {page}}.Encode()
	if fragment != "" {
		address += "#" + fragment
	}
	p.redirect(w, r, address)
}

// cookiesChecked goes on to the page, or says that the browser accepts no cookies.
func (p *base) cookiesChecked(w http.ResponseWriter, r *http.Request) {
	if !p.hasCookies(r) {
		p.errorPage(w, r, http.StatusBadRequest, "no_cookies")
		return
	}
	p.redirect(w, r, pagePath(r.URL.Query().Get(cookieCheck)))
}
