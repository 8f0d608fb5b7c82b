package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// Router serves all mounts.
type Router struct{ *chi.Mux }

// NewRouter joins the mounts: canonical, legacy, standard, and the pages. With a
// path in PUBLIC_URL everything is also served below it, for proxies that keep
// it and for those that remove it.
func NewRouter(rt Routes) *Router {
	r := chi.NewRouter()
	cross := newCORS(rt.Config, rt.Addresses)
	// These stand before all mounts: for a method that it does not know chi
	// answers without asking a mount.
	r.Use(rt.Observe, rt.Middleware.Wrap, belowPrefix(rt.Addresses.Prefix()), deprecation(rt.Config, rt.Addresses), rt.ForwardAuth.routeAnyMethod)

	r.Route(connection.Canonical.Prefix(), func(r chi.Router) {
		r.Use(cross.withCookies)
		rt.Device.Mount(r)
		rt.SSO.Mount(r)
		rt.Approval.Mount(r)
		rt.Account.Mount(r)
		rt.Operations.MountCanonical(r)
		rt.Description.Mount(r)
		rt.fallbacks(r, writeError)
	})
	r.Route(connection.Legacy.Prefix(), func(r chi.Router) { rt.legacy(r, cross) })
	r.Route("/oauth2", func(r chi.Router) {
		rt.ForwardAuth.Mount(r)
		r.Group(func(r chi.Router) {
			r.Use(cross.withoutCookies)
			rt.OAuth.Mount(r)
			rt.Revocation.Mount(r)
			rt.Introspection.Mount(r)
			rt.fallbacks(r, writeOAuthError)
		})
	})
	for _, address := range wellKnown {
		r.Route(address, func(r chi.Router) {
			r.Use(cross.withoutCookies)
			rt.Discovery.Mount(r)
			rt.fallbacks(r, writeError)
		})
	}
	rt.Operations.Mount(r)
	r.Handle("/device", rt.Pages.Handler)
	r.Handle("/device/*", rt.Pages.Handler)
	r.Method(http.MethodGet, testPath, rt.Pages.Test)
	r.Method(http.MethodHead, testPath, rt.Pages.Test)
	r.Method(http.MethodPost, testPath, rt.Pages.Test)
	rt.fallbacks(r, writeError)
	return &Router{r}
}

// legacy is an alias that shrinks and never grows.
func (rt Routes) legacy(r chi.Router, cross cors) {
	if !rt.Config.LegacyRoutes {
		rt.SSO.MountClosed(r)
		r.HandleFunc("/*", rt.Responder.htmlOrJSON(gone))
		return
	}
	r.Use(cross.withCookies)
	rt.SSO.MountLegacy(r)
	rt.Approval.MountLegacy(r)
	rt.fallbacks(r, writeError)
}

var (
	errMoved = fault.New(fault.Gone, "gone", "This address is no longer served. Use the one in the Link header.")
	errGone  = fault.New(fault.Gone, "gone", "This address is no longer served.")
)

func gone(w http.ResponseWriter, r *http.Request) error {
	if w.Header().Get("Link") == "" || wantsPage(r) {
		return errGone
	}
	return errMoved
}
