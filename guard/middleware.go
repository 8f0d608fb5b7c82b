package guard

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Refusal is why the middleware does not let a request through.
type Refusal struct {
	Status      int    // 400, 401, 403 or 503
	Code        string // unauthorized, invalid_request, invalid_token, insufficient_scope or temporarily_unavailable
	Description string // a sentence that is safe to show
}

// Middleware lets requests with a valid token through to next, which finds the
// token's facts with [From].
func (g *Guard) Middleware(next http.Handler) http.Handler { return g.protect(next, nil) }

// RequireScope returns middleware that lets requests through whose token is
// valid and has all of scopes. It verifies the token itself where
// [Guard.Middleware] has not done so before. It panics without a scope and on
// text that is not a scope (RFC 6749 §3.3).
func (g *Guard) RequireScope(scopes ...string) func(http.Handler) http.Handler {
	if len(scopes) == 0 {
		panic("guard: RequireScope needs a scope; use Middleware to require a valid token only")
	}
	for _, scope := range scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			panic("guard: not a scope: " + strconv.Quote(scope))
		}
	}
	scopes = slices.Clone(scopes)
	return func(next http.Handler) http.Handler { return g.protect(next, scopes) }
}

func (g *Guard) protect(next http.Handler, scopes []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(contextKey{}).(carried)
		if !ok || c.by != g { // not verified yet, or by another server's guard
			token, refused := g.verifyRequest(w, r)
			if refused {
				return
			}
			c = carried{token: token, by: g}
			r = r.WithContext(context.WithValue(r.Context(), contextKey{}, c))
		}
		for _, scope := range scopes {
			if !c.token.HasScope(scope) {
				g.challenge(w, `error="insufficient_scope", scope="`+strings.Join(scopes, " ")+`"`)
				g.refuse(w, r, Refusal{http.StatusForbidden, "insufficient_scope", "The token does not allow this: it lacks the scope " + scope + "."})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// verifyRequest verifies the token of r. Where it refuses it, it has answered.
func (g *Guard) verifyRequest(w http.ResponseWriter, r *http.Request) (_ Token, refused bool) {
	fields := r.Header.Values("Authorization")
	if len(fields) > 1 {
		g.challenge(w, `error="invalid_request"`)
		g.refuse(w, r, Refusal{http.StatusBadRequest, "invalid_request", "The request has more than one Authorization header."})
		return Token{}, true
	}
	text, ok := bearer(fields)
	if !ok {
		g.challenge(w, "") // RFC 6750 §3.1: no error without a credential
		g.refuse(w, r, Refusal{http.StatusUnauthorized, "unauthorized", "A bearer token is needed in the Authorization header."})
		return Token{}, true
	}
	token, err := g.Verify(r.Context(), text)
	switch {
	case err == nil:
		return token, false
	case errors.Is(err, ErrInvalidToken):
		g.challenge(w, `error="invalid_token", error_description="The token is not valid, or no longer."`)
		g.refuse(w, r, Refusal{http.StatusUnauthorized, "invalid_token", "The token is not valid, or no longer. Sign in again."})
	default:
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter(err).Seconds()))))
		g.refuse(w, r, Refusal{http.StatusServiceUnavailable, "temporarily_unavailable", "The token cannot be checked at the moment. Try again later."})
	}
	return Token{}, true
}

// bearer returns the token of an Authorization field: the scheme in any case,
// then blanks, then the token (RFC 6750 §2.1).
func bearer(fields []string) (string, bool) {
	if len(fields) == 0 {
		return "", false
	}
	scheme, rest, _ := strings.Cut(fields[0], " ")
	token := strings.Trim(rest, " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

func (g *Guard) challenge(w http.ResponseWriter, parameters string) {
	value := `Bearer realm="` + g.realm + `"`
	if parameters != "" {
		value += ", " + parameters
	}
	w.Header().Set("WWW-Authenticate", value)
}

func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, why Refusal) {
	w.Header().Set("Cache-Control", "no-store")
	g.writeError(w, r, why)
}

func writeJSON(w http.ResponseWriter, _ *http.Request, why Refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(why.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": why.Code, "error_description": why.Description})
}
