package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/fault"
)

var errMethod = fault.New(fault.MethodNotAllowed, "method_not_allowed", "This address is there, but not for this method. See the Allow header.")

// fallbacks word a 404 and a 405 as the other answers of a mount are.
func (rt Routes) fallbacks(r chi.Router, write errorWriter) {
	r.NotFound(rt.Responder.handler(write, func(http.ResponseWriter, *http.Request) error { return fault.ErrNotFound }))
	r.MethodNotAllowed(rt.Responder.handler(write, func(w http.ResponseWriter, req *http.Request) error {
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
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if r.Match(chi.NewRouteContext(), m, path) {
			methods = append(methods, m)
		}
	}
	return methods
}

// belowPrefix removes the path of PUBLIC_URL from that of a request, however it
// is encoded. It is a middleware, so that all others apply to every request.
func belowPrefix(prefix string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if prefix == "" {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if below, ok := cutPrefix(r.URL, prefix); ok {
				at := *r // as http.StripPrefix does
				at.URL = below
				r = &at
			}
			next.ServeHTTP(w, r)
		})
	}
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
