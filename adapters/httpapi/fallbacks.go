package httpapi

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/fault"
)

var errMethod = fault.New(fault.MethodNotAllowed, "method_not_allowed", "This address is there, but not for this method. See the Allow header.")

// fallbacks word a 404 and a 405 as the other answers of a mount are.
func (rt Routes) fallbacks(r chi.Router, write errorWriter) {
	r.NotFound(rt.notFound(rt.Responder.handler(write, func(http.ResponseWriter, *http.Request) error { return fault.ErrNotFound })))
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

// notFound shows a browser a page, and leads it to our first page if that is all
// that the address can mean. Every other client gets refuse.
func (rt Routes) notFound(refuse http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case rt.leadsToDevicePage(w, r):
		case wantsPage(r):
			rt.Pages.NotFound.ServeHTTP(w, r)
		default:
			refuse(w, r)
		}
	}
}

// belowDevicePage serves the pages below /device, such as /device/decide, and leads
// to the first one what is none but means it, such as "/device//" or "/device/)".
func (rt Routes) belowDevicePage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/device/" || !rt.leadsToDevicePage(w, r) {
		rt.Pages.Handler.ServeHTTP(w, r)
	}
}

// leadsToDevicePage reports whether it has answered a browser that reads, because
// all that the address can mean is our first page.
func (rt Routes) leadsToDevicePage(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	path, query := withoutQuery(r.URL)
	means := meansDevicePage(path, rt.Addresses.Prefix())
	if means {
		http.Redirect(w, r, rt.Addresses.OwnPage(query), http.StatusFound)
	}
	return means
}

// withoutQuery separates a path from the query that a program has encoded into it:
// a "?" (or its own escape) becomes "%3F" when a link is escaped once too often,
// and "&" begins a query where a template adds parameters to a link without one.
func withoutQuery(u *url.URL) (path string, query url.Values) {
	path, query = u.Path, u.Query()
	for range 2 {
		at := strings.IndexAny(path, "?&")
		if at >= 0 {
			more, err := url.ParseQuery(path[at+1:])
			if err != nil {
				return path, query
			}
			for name, values := range more {
				query[name] = append(query[name], values...)
			}
			return path[:at], query
		}
		again, err := url.PathUnescape(path)
		if err != nil {
			return path, query
		}
		path = again
	}
	return path, query
}

// meansDevicePage reports whether a path is /device but for what people and
// programs add to an address that they copy: another case, doubled slashes, a
// bracket, a full stop, a comma or a blank around it.
func meansDevicePage(path, prefix string) bool {
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	path = strings.TrimFunc(strings.Join(words, "/"), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.EqualFold(path, "device") || prefix != "" && strings.EqualFold("/"+path, prefix+"/device")
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
