package httpapi

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/token"
)

// ForwardAuth serves what a proxy asks about each request to an API behind it:
// nginx's auth_request, Traefik's ForwardAuth, Caddy's forward_auth, Envoy's
// ext_authz.
type ForwardAuth struct {
	respond   *Responder
	client    *httpserver.ClientAddress
	log       *slog.Logger
	authorize *application.AuthorizeRequest
}

// NewForwardAuth makes the handlers.
func NewForwardAuth(respond *Responder, client *httpserver.ClientAddress, log *slog.Logger, authorize *application.AuthorizeRequest) *ForwardAuth {
	return &ForwardAuth{respond, client, log, authorize}
}

const forwardAuthPath = "/oauth2/forward-auth"

// Mount adds the routes of the standard mount. They have no CORS headers: the
// answer to a preflight would let the preflight of another API through.
func (f *ForwardAuth) Mount(r chi.Router) {
	r.Get("/forward-auth", f.respond.handler(writeBearerError, f.check))
	r.Get("/forward-auth/scope/{scope}/*", f.respond.handler(writeBearerError, f.checkAppended))
}

// routeAnyMethod routes every method as GET here. Some proxies ask with the
// method of the request, which chi may not know.
func (f *ForwardAuth) routeAnyMethod(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == forwardAuthPath || strings.HasPrefix(r.URL.Path, forwardAuthPath+"/") {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// check answers /oauth2/forward-auth.
func (f *ForwardAuth) check(w http.ResponseWriter, r *http.Request) error {
	method, path := forwarded(r)
	p, err := query(r)
	if err != nil {
		return err
	}
	// A misspelt parameter would let every valid token pass. Without a credential
	// the answer is 401 all the same.
	if r.Header.Get("Authorization") != "" && p.only("scope") != nil {
		return errOnlyScope
	}
	scope, err := p.text("scope")
	if err != nil {
		return err
	}
	required := strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' })
	return f.answer(w, r, required, method, path)
}

// checkAppended answers a proxy that asks with the request's own method and
// appends its path and query to an address, as Envoy does: the query is not ours
// to read. Scopes are separated by commas; "-" is none.
func (f *ForwardAuth) checkAppended(w http.ResponseWriter, r *http.Request) error {
	var required []string
	if scope := chi.URLParam(r, "scope"); scope != "-" {
		required = strings.Split(scope, ",")
	}
	return f.answer(w, r, required, loggableMethod(r.Method), loggable("/"+chi.URLParam(r, "*")))
}

// answer says whether the request may pass. What the proxy says about the
// request is logged and decides nothing.
func (f *ForwardAuth) answer(w http.ResponseWriter, r *http.Request, required []string, method, path string) error {
	t, err := f.decide(w, r, required)
	if err != nil {
		return fmt.Errorf("request %s %q: %w", method, path, err)
	}
	f.log.DebugContext(r.Context(), "request let through", "request_id", httpserver.RequestID(r.Context()),
		"token_id", t.Snapshot().ID.String(), "method", method, "path", path)
	setIdentity(w.Header(), t)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (f *ForwardAuth) decide(w http.ResponseWriter, r *http.Request, required []string) (*token.AccessToken, error) {
	if !areScopeTokens(required) {
		return nil, errScopeForm
	}
	secret, err := presented(r)
	if err != nil {
		return nil, err
	}
	t, err := f.authorize.Execute(r.Context(), secret, required, f.client.Origin(r))
	if refusal, _ := fault.Of(err); refusal == token.ErrInsufficientScope {
		w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="insufficient_scope", scope="`+strings.Join(required, " ")+`"`)
	}
	return t, err
}

var errOnlyScope = fault.InvalidRequest("Only scope can be given here.")

var errScopeForm = fault.InvalidRequest("That is no list of scopes. Separate them by blanks in ?scope=, by commas in the path.")

// areScopeTokens reports whether all words have the form of RFC 6749 §3.3, which
// also keeps them from breaking a header.
func areScopeTokens(words []string) bool {
	for _, word := range words {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }) {
			return false
		}
	}
	return true
}

// setIdentity tells the API whom the token acts for.
func setIdentity(head http.Header, t *token.AccessToken) {
	s := t.Snapshot()
	scopes := t.Scopes()
	for i, scope := range scopes {
		scopes[i] = headerValue(scope)
	}
	for name, value := range map[string]string{
		"X-Auth-Request-User": t.SubjectID(), "X-Auth-Request-Email": headerValue(s.Device.Email.String()),
		"X-Auth-Request-Issuer": headerValue(s.Device.Issuer), "X-Auth-Request-Client": headerValue(s.Device.ClientID),
		"X-Auth-Request-Scopes": strings.Join(scopes, " "), "X-Auth-Request-Token-Id": s.ID.String(),
		"X-Auth-Request-Expires": strconv.FormatInt(s.ExpiresAt.Unix(), 10),
	} {
		if value != "" {
			head.Set(name, value)
		}
	}
}

// headerValue percent-encodes everything but visible ASCII characters, and the
// percent sign itself, so that the value survives every proxy and stands for one
// text only.
func headerValue(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		if b > ' ' && b <= '~' && b != '%' {
			out.WriteByte(b)
		} else {
			fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return out.String()
}

const forwardedMax = 200

var tokenInPath = regexp.MustCompile(`dfo[ea]_[A-Za-z0-9_-]*`)

// forwarded is what the proxy says about the request, for the log.
func forwarded(r *http.Request) (method, path string) {
	method = cmp.Or(r.Header.Get("X-Forwarded-Method"), r.Method)
	uri := r.Header.Get("X-Forwarded-Uri")
	if uri == "" {
		uri = r.Header.Get("X-Original-Uri")
	}
	return loggableMethod(method), loggable(uri)
}

var methodForm = regexp.MustCompile(`^[A-Z-]{1,20}$`)

// loggableMethod is a method, or "?" where that is not the form of one.
func loggableMethod(method string) string {
	if !methodForm.MatchString(method) {
		return "?"
	}
	return method
}

// loggable is the path of an address, without a token that may stand in it.
func loggable(uri string) string {
	path, _, _ := strings.Cut(uri, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	path = tokenInPath.ReplaceAllString(strings.ToValidUTF8(path, "?"), "[token]")
	if len(path) > forwardedMax {
		path = strings.ToValidUTF8(path[:forwardedMax], "") + "…"
	}
	return path
}

// writeBearerError words refusals of a protected API (RFC 6750 §3). A request
// without a credential gets no error code. A defect is worded like an outage:
// nothing can be said about the token.
func writeBearerError(w http.ResponseWriter, _ *http.Request, f *fault.Error) error {
	if f.Kind == fault.Internal {
		f = fault.ErrUnavailable
	}
	httpserver.SetRetryHeaders(w.Header(), f)
	if f.Kind == fault.Unauthenticated && f != errNoCredential {
		w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="`+f.Code+`"`)
	}
	return answer(w, httpserver.Status(f.Kind), oauthErrorBody{f.Code, f.Message})
}
