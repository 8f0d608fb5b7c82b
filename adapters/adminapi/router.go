package adminapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/fault"
)

// Prefix is the path below which the API lies.
const Prefix = "/admin/v1"

// Observe wraps every request, to count and time it.
type Observe func(http.Handler) http.Handler

// Router serves the administrators' API.
type Router struct {
	*chi.Mux
	serve http.Handler // what stands before the routes
}

// NewRouter joins the resources. Security headers are those of all answers, but
// without HSTS: the operations listener is another server than PUBLIC_URL's.
func NewRouter(rt Routes) *Router {
	r := chi.NewRouter()
	r.Route(Prefix, func(r chi.Router) {
		rt.Self.Mount(r)
		rt.Tokens.Mount(r)
		rt.Connections.Mount(r)
		rt.Audit.Mount(r)
		rt.Jobs.Mount(r)
		rt.Clients.Mount(r)
		rt.Incidents.Mount(r)
		rt.Keys.Mount(r)
		rt.Migration.Mount(r)
		rt.Profiles.Mount(r)
		rt.fallbacks(r)
	})
	rt.fallbacks(r)
	return &Router{r, httpserver.NewMiddleware(rt.Client, httpserver.SecurityHeaders{}).Wrap(rt.Observe(r))}
}

// ServeHTTP implements [http.Handler].
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.serve.ServeHTTP(w, r) }

var errMethod = fault.New(fault.MethodNotAllowed, "method_not_allowed", "This address is there, but not for this method. See the Allow header.")

// fallbacks word a 404 and a 405 as the other answers are.
func (rt Routes) fallbacks(r chi.Router) {
	r.NotFound(rt.Responder.handler(func(http.ResponseWriter, *http.Request, Caller) error { return fault.ErrNotFound }))
	r.MethodNotAllowed(rt.Responder.handler(func(w http.ResponseWriter, req *http.Request, _ Caller) error {
		path := chi.RouteContext(req.Context()).RoutePath
		if path == "" {
			path = req.URL.Path
		}
		methods := allowedMethods(r, path)
		if len(methods) == 0 {
			return fault.ErrNotFound
		}
		w.Header().Set("Allow", strings.Join(methods, ", "))
		return errMethod
	}))
}

func allowedMethods(r chi.Routes, path string) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if r.Match(chi.NewRouteContext(), m, path) {
			methods = append(methods, m)
		}
	}
	return methods
}
