package guard

import (
	"context"
	"slices"
	"time"
)

// Token is what the server says of an active token. It does not hold the token
// itself.
type Token struct {
	ID        string    // jti: names the token in the audit log and in lists of sessions
	Subject   string    // sub: the person, the same for each of their tokens
	Username  string    // username: the person's e-mail address
	Issuer    string    // iss
	ClientID  string    // client_id: the program that the person signed in
	Scopes    []string  // scope
	Audience  []string  // aud, where the server names any
	IssuedAt  time.Time // iat, zero if not said
	ExpiresAt time.Time // exp, zero if not said
}

// HasScope reports whether the token has scope.
func (t Token) HasScope(scope string) bool { return slices.Contains(t.Scopes, scope) }

// clone keeps a handler that changes its token from changing the cached one.
func (t Token) clone() Token {
	t.Scopes, t.Audience = slices.Clone(t.Scopes), slices.Clone(t.Audience)
	return t
}

type contextKey struct{}

// carried is the token of a request and the guard that has verified it.
type carried struct {
	token Token
	by    *Guard
}

// From returns the verified token of a request. It reports false outside of a
// [Guard]'s middleware.
func From(ctx context.Context) (Token, bool) {
	c, ok := ctx.Value(contextKey{}).(carried)
	return c.token.clone(), ok
}

// NewContext returns a context in which [From] finds t, for tests of a handler
// without its guard. A [Guard] does not trust it: it verifies the request's own
// token.
func NewContext(ctx context.Context, t Token) context.Context {
	return context.WithValue(ctx, contextKey{}, carried{token: t.clone()})
}
