package httpapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// Router serves all mounts.
type Router struct {
	*chi.Mux
	serve http.Handler // what stands before the mounts
	fixed map[fixedRoute]http.Handler
}

// fixedRoute is a route without parameters.
type fixedRoute struct{ method, path string }

// NewRouter joins the mounts: canonical, legacy, standard, and the pages. With a
// path in PUBLIC_URL everything is also served below it, for proxies that keep
// it and for those that remove it.
func NewRouter(rt Routes) *Router {
	r := chi.NewRouter()
	cross := newCORS(rt.Config, rt.Addresses)
	r.Route(connection.Canonical.Prefix(), func(r chi.Router) {
		r.Use(cross.withCookies)
		rt.Device.Mount(r)
		rt.mountSSO(r, connection.Canonical)
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
	r.Handle("/device/*", http.HandlerFunc(rt.belowDevicePage))
	r.Method(http.MethodGet, testPath, rt.Pages.Test)
	r.Method(http.MethodHead, testPath, rt.Pages.Test)
	r.Method(http.MethodPost, testPath, rt.Pages.Test)
	rt.fallbacks(r, writeError)

	router := &Router{Mux: r, fixed: fixedRoutes(r)}
	// These stand before all mounts: for a method that it does not know chi
	// answers without asking a mount.
	before := chi.Chain(rt.Middleware.Wrap, rt.Observe, belowPrefix(rt.Addresses.Prefix()),
		deprecation(rt.Config, rt.Addresses), rt.ForwardAuth.routeAnyMethod)
	router.serve = before.HandlerFunc(router.route)
	return router
}

// ServeHTTP implements [http.Handler].
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.serve.ServeHTTP(w, r) }

// route finds a route without parameters at once. For the others chi searches its
// tree, and that of the mount.
func (rt *Router) route(w http.ResponseWriter, r *http.Request) {
	serve, ok := rt.fixed[fixedRoute{r.Method, r.URL.Path}]
	if !ok || r.URL.RawPath != "" {
		rt.Mux.ServeHTTP(w, r)
		return
	}
	found := chi.RouteContext(r.Context())
	found.RoutePatterns = append(found.RoutePatterns, r.URL.Path)
	serve.ServeHTTP(w, r)
}

func fixedRoutes(r chi.Routes) map[fixedRoute]http.Handler {
	fixed := map[fixedRoute]http.Handler{}
	_ = chi.Walk(r, func(method, pattern string, serve http.Handler, middlewares ...func(http.Handler) http.Handler) error {
		if !strings.ContainsAny(pattern, "*{") {
			fixed[fixedRoute{method, pattern}] = chi.Chain(middlewares...).Handler(serve)
		}
		return nil
	})
	return fixed
}

// mountSSO adds the way of a browser to an identity provider and back.
func (rt Routes) mountSSO(r chi.Router, on connection.Mount) {
	rt.SSOInitiation.Mount(r, on)
	rt.ACS.Mount(r, on)
	rt.SSOCompletion.Mount(r, on)
}

// legacy is an alias that shrinks and never grows.
func (rt Routes) legacy(r chi.Router, cross cors) {
	if !rt.Config.LegacyRoutes {
		rt.ACS.MountClosed(r)
		r.HandleFunc("/*", rt.Responder.htmlOrJSON(gone))
		return
	}
	r.Use(cross.withCookies)
	rt.mountSSO(r, connection.Legacy)
	rt.Approval.MountLegacy(r)
	rt.fallbacks(r, writeError)
}

var (
	errMoved = fault.New(fault.Gone, "gone", "This address is no longer served. Use the one in the Link header.")
	errGone  = fault.New(fault.Gone, "gone", "This address is no longer served. Start on your device, or ask your administrator for the new address.")
)

func gone(w http.ResponseWriter, r *http.Request) error {
	if w.Header().Get("Link") == "" || wantsPage(r) {
		return errGone
	}
	return errMoved
}
