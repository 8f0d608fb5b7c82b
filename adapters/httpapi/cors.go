package httpapi

import (
	"net/http"
	"slices"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

// cors says which origins may read our answers (Fetch standard, CORS protocol).
// The page's own origin may send its cookies; those that the operator lists may
// not.
type cors struct {
	web   string
	allow []string
}

func newCORS(cfg Config, addresses *httpserver.Addresses) cors {
	return cors{addresses.WebOrigin(), cfg.AllowOrigins}
}

var (
	varyOrigin        = []string{"Origin"}
	corsTrue          = []string{"true"}
	corsAnyOrigin     = []string{"*"}
	corsMethods       = []string{"GET, POST, DELETE"}
	corsRequestFields = []string{"Authorization, Content-Type, X-CSRF-Token, X-CSRFToken"}
	corsAnswerFields  = []string{"Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id"}
	corsMaxAge        = []string{"600"}
)

// withCookies is for routes that read cookies.
func (c cors) withCookies(next http.Handler) http.Handler { return c.handler(next, true) }

// withoutCookies is for routes that read none.
func (c cors) withoutCookies(next http.Handler) http.Handler { return c.handler(next, false) }

func (c cors) handler(next http.Handler, cookies bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head["Vary"] = varyOrigin
		allowed := c.allowOrigin(head, r.Header.Get("Origin"), cookies)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			if allowed {
				head["Access-Control-Allow-Methods"] = corsMethods
				head["Access-Control-Allow-Headers"] = corsRequestFields
				head["Access-Control-Max-Age"] = corsMaxAge
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if allowed {
			head["Access-Control-Expose-Headers"] = corsAnswerFields
		}
		next.ServeHTTP(w, r)
	})
}

func (c cors) allowOrigin(head http.Header, origin string, cookies bool) bool {
	switch {
	case origin == "":
		return false
	case origin == c.web:
		head.Set("Access-Control-Allow-Origin", origin)
		if cookies {
			head["Access-Control-Allow-Credentials"] = corsTrue
		}
	case slices.Contains(c.allow, origin):
		head.Set("Access-Control-Allow-Origin", origin)
	case slices.Contains(c.allow, "*"):
		head["Access-Control-Allow-Origin"] = corsAnyOrigin
	default:
		return false
	}
	return true
}
