package webui

import (
	"net/http"
	"net/url"

	"github.com/devicegate/devicegate/domain/client"
)

// app is what the operator says of the client that asks. Any program can send its
// client_id, so the page shows it beside the name that the device gives itself,
// and never in its place.
type app struct {
	Name, Publisher string
	HomePage, Host  string // Host is what is shown of the address
	Icon            string // name of the asset
}

// appOf is nil if the operator says nothing but the client_id.
func appOf(by client.Client) *app {
	s := by.Settings()
	if s.Publisher == "" && s.HomePage == "" && s.Icon.IsZero() {
		return nil
	}
	a := &app{Name: s.Name, Publisher: s.Publisher}
	if u, err := url.Parse(s.HomePage); err == nil && s.HomePage != "" {
		a.HomePage, a.Host = s.HomePage, u.Hostname()
	}
	if !s.Icon.IsZero() {
		a.Icon = s.Icon.FileName()
	}
	return a
}

// serveIcon answers with the icon of a client, or reports that there is none of
// that name.
func (p *base) serveIcon(w http.ResponseWriter, r *http.Request, name string) bool {
	for _, by := range p.clients(r.Context()).All() {
		if icon := by.Settings().Icon; !icon.IsZero() && icon.FileName() == name {
			asset{name, icon.MediaType(), icon.Bytes()}.serve(w, r)
			return true
		}
	}
	return false
}

// scopeLine is one scope that the token will have.
type scopeLine struct {
	Name string
	of   client.Client
}

// Own is the client's sentence in a language; empty if it has none.
func (s scopeLine) Own(l locale) string { return s.of.ScopeText(s.Name, l.Tag(), l.Base()) }
