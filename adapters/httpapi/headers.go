package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
)

// deprecated marks what lies below the legacy prefix: Deprecation (RFC 9745),
// Sunset (RFC 8594) and the successor (RFC 5829).
func (h *Handlers) deprecated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below, legacy := strings.CutPrefix(r.URL.Path+"/", connection.Legacy.Prefix()+"/")
		if !legacy {
			next.ServeHTTP(w, r)
			return
		}
		head := w.Header()
		head.Set("Deprecation", "@"+strconv.FormatInt(h.deps.Config.LegacyDeprecatedAt.Unix(), 10))
		if !h.deps.Config.LegacySunset.IsZero() {
			head.Set("Sunset", h.deps.Config.LegacySunset.UTC().Format(http.TimeFormat))
		}
		if successor, ok := successors[strings.TrimSuffix(below, "/")]; ok {
			head.Set("Link", "<"+h.deps.Addresses.Public(successor)+`>; rel="successor-version"`)
		}
		next.ServeHTTP(w, r)
	})
}

// successors of the legacy paths, which are written without their prefix.
var successors = map[string]string{
	"oauth/device/sso-initiate":     connection.Canonical.Prefix() + "/oauth/device/sso-initiate",
	"device/sso-complete":           connection.Canonical.ACSPath(),
	"oauth/device/approval-context": connection.Canonical.Prefix() + "/oauth/device/approval-context",
	"oauth/device/approve-external": connection.Canonical.Prefix() + "/oauth/device/approve-external",
}

// limited writes what is left of a limit (draft-ietf-httpapi-ratelimit-headers,
// in its three-header form).
func limited(w http.ResponseWriter, a quota.Allowance) {
	if a.IsZero() {
		return
	}
	reset := strconv.Itoa(int(math.Ceil(a.Reset.Seconds())))
	head := w.Header()
	head.Set("RateLimit-Limit", strconv.Itoa(a.Limit.Max))
	head.Set("RateLimit-Remaining", strconv.Itoa(max(0, a.Remaining)))
	head.Set("RateLimit-Reset", reset)
	if a.Exceeded {
		head.Set("Retry-After", reset)
	}
}

// cors lets the page's origin in with its cookies, and those the operator lists
// without.
func (h *Handlers) cors(next http.Handler) http.Handler { return h.shared(next, true) }

// corsWithoutCookies is cors for routes that read none.
func (h *Handlers) corsWithoutCookies(next http.Handler) http.Handler { return h.shared(next, false) }

func (h *Handlers) shared(next http.Handler, cookies bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head, origin := w.Header(), r.Header.Get("Origin")
		head.Add("Vary", "Origin")
		switch {
		case origin != "" && origin == h.deps.Addresses.WebOrigin():
			head.Set("Access-Control-Allow-Origin", origin)
			if cookies {
				head.Set("Access-Control-Allow-Credentials", "true")
			}
		case origin != "" && slices.Contains(h.deps.Config.AllowOrigins, origin):
			head.Set("Access-Control-Allow-Origin", origin)
		case origin != "" && slices.Contains(h.deps.Config.AllowOrigins, "*"):
			head.Set("Access-Control-Allow-Origin", "*")
		}
		allowed := head.Get("Access-Control-Allow-Origin") != ""
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			if allowed {
				head.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
				head.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-CSRF-Token, X-CSRFToken")
				head.Set("Access-Control-Max-Age", strconv.Itoa(int((10 * time.Minute).Seconds())))
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if allowed {
			head.Set("Access-Control-Expose-Headers", "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id")
		}
		next.ServeHTTP(w, r)
	})
}

// licensed hides the sign-in routes unless the edition has them; it comes
// before everything that counts or parses.
func (h *Handlers) licensed(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := h.deps.Edition.SSO(r.Context()); err != nil {
			return fmt.Errorf("%w: %w", fault.ErrNotFound, err)
		}
		return serve(w, r)
	}
}

// navigation ends a failed navigation on the page instead of in JSON.
func (h *Handlers) navigation(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := httpserver.Recover(serve, w, r)
		if err == nil {
			return nil
		}
		f, expected := fault.Of(err)
		if !expected {
			f = errInternal
		}
		if !wantsPage(r) && !endsOnPage(f) {
			return err
		}
		h.report(r, f, err, expected)
		h.toPage(w, r, f)
		return nil
	}
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}

// toPage sends the browser to the page with what went wrong. A POST must not be
// repeated there, hence 303.
func (h *Handlers) toPage(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	q := url.Values{"sso_error": {f.Code}, "ref": {w.Header().Get("X-Request-Id")}}
	if f.PageCode() != f.Code {
		q.Set("sso_reason", f.PageCode())
	}
	if wait := w.Header().Get("Retry-After"); wait != "" {
		q.Set("retry_after", wait)
	}
	code := http.StatusFound
	if r.Method == http.MethodPost {
		code = http.StatusSeeOther
	}
	http.Redirect(w, r, h.deps.Addresses.WebPage(q), code)
}
