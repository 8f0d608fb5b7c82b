package httpapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

var (
	errMethod = fault.New(fault.MethodNotAllowed, "method_not_allowed", "This address is there, but not for this method. See the Allow header.")
	errGone   = fault.New(fault.Gone, "gone", "This address is no longer served. Use the one in the Link header.")
)

// NewRouter serves all mounts; pages serves /device and what lies below it.
// With a path prefix in the public URL everything is served below it too, for
// proxies that keep it and for those that strip it. Observe wraps every route.
func NewRouter(h *Handlers, pages http.Handler, observe func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	// These stand before all mounts: for a method that it does not know chi
	// answers without asking a mount.
	r.Use(observe, h.deps.Edge.WithRequestID, secured, h.deprecated)
	r.Route(connection.Canonical.Prefix(), h.canonical)
	r.Route(connection.Legacy.Prefix(), h.legacy)
	r.Route("/oauth2", h.standard)
	h.wellKnown(r)
	r.Get("/", h.in(dify)(h.root))
	r.Handle("/device", pages)
	r.Handle("/device/*", pages)
	fallbacks(h, r, dify)
	return underPrefix(h.deps.Edge.Prefix(), r)
}

func (h *Handlers) canonical(r chi.Router) {
	r.Use(h.cors)
	on := h.in(dify)
	r.Post("/oauth/device/code", on(h.startDevice))
	r.Post("/oauth/device/token", h.in(difyToken)(h.pollDevice))
	r.Get("/oauth/device/lookup", on(h.lookUpDevice))

	r.Get("/oauth/device/sso-initiate", on(h.licensed(h.navigation(h.initiateSSO(connection.Canonical)))))
	r.Get("/oauth/device/sso-complete", on(h.licensed(h.navigation(h.completeSSO(connection.Canonical)))))
	r.Post("/oauth/device/sso-complete", on(h.licensed(h.navigation(h.assertionConsumerService(connection.Canonical)))))
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
		r.HandleFunc("/*", h.in(dify)(func(http.ResponseWriter, *http.Request) error { return errGone }))
		return
	}
	r.Use(h.cors)
	on := h.in(dify)
	r.Get("/oauth/device/sso-initiate", on(h.licensed(h.navigation(h.initiateSSO(connection.Legacy)))))
	r.Get(connection.Legacy.CompletePath(), on(h.licensed(h.navigation(h.completeSSO(connection.Legacy)))))
	r.Post(connection.Legacy.CompletePath(), on(h.licensed(h.navigation(h.assertionConsumerService(connection.Legacy)))))
	r.Get("/oauth/device/approval-context", on(h.licensed(h.describeApproval)))
	r.Post("/oauth/device/approve-external", on(h.licensed(h.approveExternal)))
	fallbacks(h, r, dify)
}

// standard speaks OAuth as any client expects it (RFC 8628).
func (h *Handlers) standard(r chi.Router) {
	on := h.in(oauth)
	r.Post("/device_authorization", on(h.deviceAuthorization))
	r.Post("/token", on(h.token))
	fallbacks(h, r, oauth)
}

func (h *Handlers) wellKnown(r chi.Router) {
	on := h.in(dify)
	read := func(path string, e endpoint) { // monitors and proxies ask with HEAD
		r.Get(path, on(e))
		r.Head(path, on(e))
	}
	const metadata = "/.well-known/oauth-authorization-server"
	read(metadata, h.serverMetadata)
	if prefix := h.deps.Edge.Prefix(); prefix != "" {
		read(metadata+prefix, h.serverMetadata)
	}
	read("/saml/metadata", h.samlMetadata)
	read("/saml/metadata/{connection}", h.samlMetadata)
	read("/healthz", h.healthy)
	read("/readyz", h.ready)
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

func underPrefix(prefix string, next http.Handler) http.Handler {
	if prefix == "" {
		return next
	}
	stripped := http.StripPrefix(prefix, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
