// Package guard protects a Go API with devicegate's bearer tokens.
//
//	g, err := guard.New(guard.Config{
//		Endpoint:     "https://sso.example.com/oauth2/introspect",
//		ClientID:     "reports-api",
//		ClientSecret: os.Getenv("INTROSPECTION_SECRET"),
//	})
//	…
//	mux.Handle("GET /reports", g.RequireScope("reports:read")(reports))
//
// A [Guard] asks the server about each token (RFC 7662) and keeps the answer
// for a moment. A handler behind [Guard.Middleware] or [Guard.RequireScope]
// finds the token's facts with [From]; everything else is answered for it:
//
//	401  no token, or one that is malformed, unknown, expired or revoked
//	403  insufficient_scope: the token lacks a scope that the route requires
//	400  invalid_request: more than one Authorization header
//	503  the server cannot be asked; Retry-After says when to try again
//
// # How long a revoked token is accepted
//
// An active answer is used for [Config.MaxAge] (5 seconds by default) after the
// question was sent, so at most that long after the server has begun to refuse
// the token, and never after the token's own expiry. A request that
// waits for a question accepts its answer, so with a slow server the bound is
// [Config.Timeout] where that is longer. When the server cannot be asked, the
// token is refused with 503, unless [Config.OutageMaxAge] allows answers of
// that age.
//
// # What it does not do
//
// Tokens come from the Authorization header only, never from a query or a body.
// The package keeps SHA-256 digests, not tokens, and neither tokens nor the
// client secret appear in its logs and errors. It imports the standard library
// alone.
//
// Tests of an API use the fake server of package guardtest, or [NewContext].
package guard
