package webui

import (
	"net/http"
	"time"
)

// The connection cookie names the identity provider that this browser used last,
// so that it is offered first. It holds no secret and chooses nothing.
const (
	connectionCookie = "device_connection"
	connectionLife   = 180 * 24 * time.Hour
)

func (p *base) remember(w http.ResponseWriter, slug string) {
	p.setCookie(w, connectionCookie, slug, connectionLife)
}

// lastConnection is the slug in the cookie, which may be that of none.
func (p *base) lastConnection(r *http.Request) string { return p.readCookie(r, connectionCookie) }

// forget takes back every cookie of the pages but the language.
func (p *base) forget(w http.ResponseWriter) {
	for _, name := range []string{connectionCookie, undoCookie, pageStateCookie} {
		p.deps.Cookies.Clear(w, p.cookie(name, 0))
	}
	p.deps.Cookies.ClearGrantSession(w)
}
