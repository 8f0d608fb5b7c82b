package webui

import (
	"context"
	"html/template"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"golang.org/x/text/language"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
)

// Pages serves the pages.
type Pages struct {
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

	deps Deps
}

// New makes the pages. It ignores what [Config.Check] objects to.
func New(d Deps) *Pages {
	p := &Pages{deps: d, brand: d.Config.Brand.Name, theme: theme(d.Config.Brand.Color), root: d.Addresses.PagePath()}
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

// Handler serves /device and everything below it. If the public URL has a path,
// the router that mounts the handler strips it.
func (p *Pages) Handler() http.Handler {
	r := chi.NewRouter()
	page := func(path string, h http.HandlerFunc) {
		for _, spelt := range []string{path, path + "/"} { // a redirect would turn a POST into a GET
			r.Get(spelt, h)
			r.Head(spelt, h)
		}
	}
	form := func(path string, h http.HandlerFunc) {
		for _, spelt := range []string{path, path + "/"} {
			r.Post(spelt, p.sameOriginForm(h))
		}
	}
	page("/device", p.enterPage)
	form("/device", p.enterForm)
	page("/device/leave", p.redirectPage)
	page("/device/sign-in", p.choosePage)
	form("/device/sign-in", p.chooseForm)
	page("/device/code", p.codePage)
	form("/device/code", p.codeForm)
	page("/device/decide", p.decidePage)
	form("/device/approve", p.decideForm(approved))
	form("/device/deny", p.decideForm(denied))
	page("/device/approved", p.donePage(approved))
	page("/device/denied", p.donePage(denied))
	form("/device/undo", p.undoForm)
	page("/device/undone", p.donePage(undone))
	page("/device/sessions", p.sessionsPage)
	form("/device/sessions", p.sessionsForm)
	r.Get("/device/sessions/sign-in", p.accountSignIn)
	form("/device/sign-out", p.signOutForm)
	page("/device/signed-out", p.signedOutPage)
	page("/device/problem", p.problemPage)
	page("/device/assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := chi.URLParam(r, "name")
		if !p.assets.serve(w, r, name) && !p.serveIcon(w, r, name) {
			p.errorPage(w, r, http.StatusNotFound, "not_found")
		}
	})
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { p.errorPage(w, r, http.StatusNotFound, "not_found") })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		p.errorPage(w, r, http.StatusMethodNotAllowed, "method_not_allowed")
	})
	return p.withHeaders(r)
}

// sameOriginForm refuses forms of other sites, and reads those of our pages.
func (p *Pages) sameOriginForm(h http.HandlerFunc) http.HandlerFunc {
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
func (p *Pages) redirect(w http.ResponseWriter, r *http.Request, below string) {
	http.Redirect(w, r, p.root+below, http.StatusSeeOther)
}

// initiate is the address that takes a browser to its identity provider.
func (p *Pages) initiate(state pageState, more ...string) string {
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
func (p *Pages) connectionsFor(ctx context.Context, state pageState) connection.Directory {
	all := p.connections(ctx)
	if by, err := p.clients(ctx).Find(state.Client); err == nil {
		return all.Among(by.MayConnect)
	}
	return all
}

// clients are those of now; none if they cannot be listed.
func (p *Pages) clients(ctx context.Context) client.Directory {
	all, err := p.deps.Clients.Clients(ctx)
	if err != nil {
		p.deps.Log.ErrorContext(ctx, "clients cannot be listed", "error", err)
	}
	return all
}

// connections are those of now; none if they cannot be listed.
func (p *Pages) connections(ctx context.Context) connection.Directory {
	all, err := p.deps.Connections.Connections(ctx)
	if err != nil {
		p.deps.Log.ErrorContext(ctx, "connections cannot be listed", "error", err)
	}
	return all
}

// requireOpen reports whether people can sign in here; otherwise it shows a page
// that says why not.
func (p *Pages) requireOpen(ctx context.Context, w http.ResponseWriter, r *http.Request) bool {
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

func (p *Pages) closed(w http.ResponseWriter, r *http.Request, why string) {
	p.show(w, r, http.StatusOK, pageProblem, view{
		State: "closed", Problem: why, Title: "problem." + why + ".title", Ref: httpserver.RequestID(r.Context()), ShowRef: true,
		Body: problemBody{Code: why, Icon: iconOf(why)},
	})
}

// NotFound answers a browser that asks for a path that nothing serves.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	p.withHeaders(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.errorPage(w, r, http.StatusNotFound, "not_found")
	})).ServeHTTP(w, r)
}
