package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

var (
	errMethod = fault.New(fault.MethodNotAllowed, "method_not_allowed", "This address is there, but not for this method. See the Allow header.")
	errMoved  = fault.New(fault.Gone, "gone", "This address is no longer served. Use the one in the Link header.")
	errGone   = fault.New(fault.Gone, "gone", "This address is no longer served.")
)

// NewRouter serves all mounts; pages serves /device and what lies below it.
// With a path prefix in the public URL everything is served below it too, for
// proxies that keep it and for those that strip it. Observe wraps every route.
func NewRouter(h *Handlers, pages http.Handler, observe func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	// These stand before all mounts: for a method that it does not know chi
	// answers without asking a mount.
	r.Use(observe, h.deps.Middleware.Wrap, h.underPrefix, h.deprecated)
	r.Route(connection.Canonical.Prefix(), h.canonical)
	r.Route(connection.Legacy.Prefix(), h.legacy)
	r.Route("/oauth2", h.standard)
	h.wellKnown(r)
	r.Get("/", h.in(dify)(h.root))
	r.Handle("/device", pages)
	r.Handle("/device/*", pages)
	fallbacks(h, r, dify)
	return r
}

func (h *Handlers) canonical(r chi.Router) {
	r.Use(h.cors)
	on, to := h.in(dify), h.in(h.people)
	r.Post("/oauth/device/code", on(h.startDevice))
	r.Post("/oauth/device/token", h.in(difyToken)(h.pollDevice))
	r.Get("/oauth/device/lookup", on(h.lookUpDevice))

	r.Get("/oauth/device/sso-initiate", to(h.licensed(h.navigation(h.initiateSSO(connection.Canonical)))))
	r.Get("/oauth/device/sso-complete", to(h.licensed(h.navigation(h.completeSSO(connection.Canonical)))))
	r.Post("/oauth/device/sso-complete", to(h.licensed(h.navigation(h.assertionConsumerService(connection.Canonical)))))
	r.Get("/oauth/device/approval-context", on(h.licensed(h.describeApproval)))
	r.Post("/oauth/device/approve-external", on(h.licensed(h.approveExternal)))
	r.Post("/oauth/device/deny-external", on(h.licensed(h.denyExternal)))

	r.Get("/account", on(h.account))
	r.Get("/account/sessions", on(h.listSessions))
	r.Delete("/account/sessions/{id}", on(h.revokeSession))
	r.Get("/workspaces", on(h.workspaces))
	r.Get("/_version", on(h.version))
	r.Get("/_health", on(h.healthy))
	fallbacks(h, r, dify)
}

// legacy is an alias that shrinks and never grows.
func (h *Handlers) legacy(r chi.Router) {
	if !h.deps.Config.LegacyRoutes {
		r.HandleFunc("/*", h.in(h.people)(gone))
		return
	}
	r.Use(h.cors)
	on, to := h.in(dify), h.in(h.people)
	r.Get("/oauth/device/sso-initiate", to(h.licensed(h.navigation(h.initiateSSO(connection.Legacy)))))
	r.Get(connection.Legacy.CompletePath(), to(h.licensed(h.navigation(h.completeSSO(connection.Legacy)))))
	r.Post(connection.Legacy.CompletePath(), to(h.licensed(h.navigation(h.assertionConsumerService(connection.Legacy)))))
	r.Get("/oauth/device/approval-context", on(h.licensed(h.describeApproval)))
	r.Post("/oauth/device/approve-external", on(h.licensed(h.approveExternal)))
	fallbacks(h, r, dify)
}

func gone(w http.ResponseWriter, r *http.Request) error {
	if w.Header().Get("Link") == "" || wantsPage(r) {
		return errGone
	}
	return errMoved
}

// standard speaks OAuth as any client expects it (RFC 8628).
func (h *Handlers) standard(r chi.Router) {
	r.Use(h.corsWithoutCookies)
	on := h.in(oauth)
	r.Post("/device_authorization", on(h.deviceAuthorization))
	r.Post("/token", on(h.token))
	fallbacks(h, r, oauth)
}

func (h *Handlers) wellKnown(r chi.Router) {
	on := h.in(dify)
	read := func(r chi.Router, path string, e endpoint) { // monitors and proxies ask with HEAD
		r.Get(path, on(e))
		r.Head(path, on(e))
	}
	r.Route("/.well-known/oauth-authorization-server", func(r chi.Router) {
		r.Use(h.corsWithoutCookies)
		read(r, "/", h.serverMetadata)
		if prefix := h.deps.Addresses.Prefix(); prefix != "" {
			read(r, prefix, h.serverMetadata)
		}
		fallbacks(h, r, dify)
	})
	read(r, "/saml/metadata", h.samlMetadata)
	read(r, "/saml/metadata/{connection}", h.samlMetadata)
	read(r, "/healthz", h.healthy)
	read(r, "/readyz", h.ready)
}

// fallbacks word a 404 and a 405 as the other answers are.
func fallbacks(h *Handlers, r chi.Router, say dialect) {
	r.NotFound(h.in(say)(func(http.ResponseWriter, *http.Request) error { return fault.ErrNotFound }))
	r.MethodNotAllowed(h.in(say)(func(w http.ResponseWriter, req *http.Request) error {
		path := chi.RouteContext(req.Context()).RoutePath
		if path == "" {
			path = req.URL.Path
		}
		methods := allowed(r, path)
		if len(methods) == 0 {
			return fault.ErrNotFound
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		return errMethod
	}))
}

func allowed(r chi.Routes, path string) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if r.Match(chi.NewRouteContext(), m, path) {
			methods = append(methods, m)
		}
	}
	return methods
}

// underPrefix takes the public URL's path off a request's, however it is
// encoded. It is a middleware, so that nothing is answered around the others.
func (h *Handlers) underPrefix(next http.Handler) http.Handler {
	prefix := h.deps.Addresses.Prefix()
	if prefix == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if below, is := cutPrefix(r.URL, prefix); is {
			at := *r // as http.StripPrefix does
			at.URL = below
			r = &at
		}
		next.ServeHTTP(w, r)
	})
}

func cutPrefix(u *url.URL, prefix string) (*url.URL, bool) {
	n := strings.Count(prefix, "/") + 1
	segments := append(strings.SplitN(u.EscapedPath(), "/", n+1), "") // "/gate" is its root
	if len(segments) <= n {
		return nil, false
	}
	above, err := url.PathUnescape(strings.Join(segments[:n], "/"))
	if err != nil || above != prefix {
		return nil, false
	}
	below := *u
	if below.Path, err = url.PathUnescape("/" + segments[n]); err != nil {
		return nil, false
	}
	if u.RawPath != "" {
		below.RawPath = "/" + segments[n]
	}
	return &below, true
}
