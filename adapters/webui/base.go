package webui

import (
	"context"
	"html/template"
	"net/http"
	"net/url"

	"golang.org/x/text/language"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// base is what all pages stand on: how they look and in which language, what a
// browser keeps between them, and what is configured now.
type base struct {
	brand      string
	support    string
	theme      template.CSS
	assets     assets
	assetNames map[string]string
	locales    []locale
	matcher    language.Matcher
	templates  []map[string]*template.Template
	host       string // of the public URL
	root       string // path of the first page, as browsers see it

	deps deps
}

// newBase ignores what [Config.Check] objects to.
func newBase(d deps) *base {
	p := &base{deps: d, brand: d.Config.Brand.Name, theme: theme(d.Config.Brand.Color), root: d.Addresses.PagePath()}
	if u, err := url.Parse(d.Addresses.Public("")); err == nil {
		p.host = u.Host
	}
	if p.brand == "" {
		p.brand = "devicegate"
	}
	if supportLink(d.Config.SupportURL) {
		p.support = d.Config.SupportURL
	}
	p.assets, p.assetNames = newAssets(d.Config.Brand.Logo)
	p.locales, p.templates = loadedLocales(), parsedTemplates()
	p.matcher = newMatcher(p.locales)
	return p
}

// sameOriginForm refuses forms of other sites, and reads those of our pages.
func (p *base) sameOriginForm(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := p.deps.CrossOrigin.Check(r)
		if err == nil {
			err = readForm(r)
		}
		if err != nil {
			p.fail(w, r, p.readState(r), err, noAllowance)
			return
		}
		h(w, r)
	}
}

// redirect answers with another of our pages.
func (p *base) redirect(w http.ResponseWriter, r *http.Request, below string) {
	http.Redirect(w, r, p.root+below, http.StatusSeeOther)
}

// initiate is the address that takes a browser to its identity provider.
func (p *base) initiate(state pageState, more ...string) string {
	q := url.Values{}
	if !state.Managing {
		q.Set("user_code", state.Code)
	}
	if state.Fresh {
		q.Set("prompt", "login")
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if state.Managing {
		return p.root + "/sessions/sign-in?" + q.Encode()
	}
	return p.deps.Addresses.Public(connection.Canonical.Prefix()+"/oauth/device/sso-initiate") + "?" + q.Encode()
}

// connectionsFor are those of now through which people may come to the device's
// client. What an address may do is decided at sso-initiate; this is what is
// offered.
func (p *base) connectionsFor(ctx context.Context, state pageState) connection.Directory {
	all := p.connections(ctx)
	if by, err := p.clients(ctx).Find(state.Client); err == nil {
		return all.Among(by.MayConnect)
	}
	return all
}

// clients are those of now; none if they cannot be listed.
func (p *base) clients(ctx context.Context) client.Directory {
	all, err := p.deps.Clients.Clients(ctx)
	if err != nil {
		p.deps.Log.ErrorContext(ctx, "clients cannot be listed", "error", err)
	}
	return all
}

// connections are those of now; none if they cannot be listed.
func (p *base) connections(ctx context.Context) connection.Directory {
	all, err := p.deps.Connections.Connections(ctx)
	if err != nil {
		p.deps.Log.ErrorContext(ctx, "connections cannot be listed", "error", err)
	}
	return all
}

// requireOpen reports whether people can sign in here; otherwise it shows a page
// that says why not.
func (p *base) requireOpen(ctx context.Context, w http.ResponseWriter, r *http.Request) bool {
	switch {
	case p.deps.Edition.SSO(ctx) != nil:
		p.closed(w, r, "sso_unavailable")
	case len(p.connections(ctx).All()) == 0:
		p.closed(w, r, "no_connection")
	default:
		return true
	}
	return false
}

func (p *base) closed(w http.ResponseWriter, r *http.Request, why string) {
	p.show(w, r, http.StatusOK, pageProblem, view{
		State: "closed", Problem: why, Title: "problem." + why + ".title", Ref: httpserver.RequestID(r.Context()), ShowRef: true,
		Body: problemBody{Code: why, Icon: iconOf(why)},
	})
}

// prefillsCode reports whether the code of a link is put into the field: not where
// policy asks that it is typed.
func (p *base) prefillsCode(ctx context.Context) bool {
	rules, err := p.deps.Policies.Policy(ctx)
	return err == nil && rules.PrefillsCode()
}

// PostToIdP sends the browser to an identity provider that takes requests by
// POST only: with a form, which a script submits.
func (p *base) PostToIdP(w http.ResponseWriter, r *http.Request, to ports.Redirect) {
	p.show(w, r, http.StatusOK, pageRedirect, view{State: "choose", Title: "redirect.title", noLanguages: true, Post: &to, Body: redirectBody{}})
}
