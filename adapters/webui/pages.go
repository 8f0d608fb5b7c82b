package webui

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Pages serves the pages.
type Pages struct {
	*base
	all []mounter
}

// New joins the pages.
func New(b *base, entry *entryPages, signIn *signInPages, code *codePages, decision *decisionPages, result *resultPages, session *sessionPages) *Pages {
	return &Pages{b, []mounter{entry, signIn, code, decision, result, session}}
}

// mounter are pages of one subject.
type mounter interface{ mount(r routes) }

// Handler serves /device and everything below it. If the public URL has a path,
// the router that mounts the handler strips it.
func (p *Pages) Handler() http.Handler {
	r := routes{chi.NewRouter(), p.sameOriginForm}
	for _, pages := range p.all {
		pages.mount(r)
	}
	r.page("/device/problem", p.problemPage)
	r.page("/device/assets/{name}", func(w http.ResponseWriter, r *http.Request) {
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

// routes takes pages and forms, with and without a slash at the end: a redirect
// would turn a POST into a GET.
type routes struct {
	chi.Router
	sameOrigin func(http.HandlerFunc) http.HandlerFunc
}

func (r routes) page(path string, h http.HandlerFunc) {
	for _, spelt := range []string{path, path + "/"} {
		r.Get(spelt, h)
		r.Head(spelt, h)
	}
}

func (r routes) form(path string, h http.HandlerFunc) {
	for _, spelt := range []string{path, path + "/"} {
		r.Post(spelt, r.sameOrigin(h))
	}
}

// NotFound answers a browser that asks for a path that nothing serves.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	p.withHeaders(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.errorPage(w, r, http.StatusNotFound, "not_found")
	})).ServeHTTP(w, r)
}
