package application

import (
	"context"
	"errors"

	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// IntrospectToken tells a resource server about the token that a client has
// shown it (RFC 7662).
type IntrospectToken struct {
	verify  *VerifyToken
	servers resource.Servers
	limiter ports.Limiter
	limits  quota.Configured
}

// NewIntrospectToken makes the use case.
func NewIntrospectToken(verify *VerifyToken, servers resource.Servers, limiter ports.Limiter, limits quota.Configured) *IntrospectToken {
	return &IntrospectToken{verify, servers, limiter, limits}
}

// Introspected is what a resource server learns. Token is nil unless it is
// active.
type Introspected struct {
	Token     *token.AccessToken
	Allowance quota.Allowance
}

// Execute returns [resource.ErrCredentials] and [quota.ErrExceeded]: each
// resource server has a limit of its own, and the token's limit is not counted.
//
// An introspection is a use of the token: the resource server acts on it, so
// that no replacement secret may be given out afterwards.
//
// A text that has not the form of a token is inactive without a look-up. All
// other inactive tokens take the same path, which ends with one.
func (uc *IntrospectToken) Execute(ctx context.Context, by []resource.Credentials, text string, origin request.Origin) (Introspected, error) {
	server, err := uc.servers.Authenticate(by...)
	if err != nil {
		return Introspected{}, err
	}
	out := Introspected{}
	if uc.limits.Introspections.Max > 0 {
		if out.Allowance, err = allow(uc.limiter.Take(ctx, uc.limits.Introspections, server.ID)); err != nil {
			return out, err
		}
	}
	presented, err := token.ParseSecret(text)
	if err == nil {
		out.Token, err = uc.verify.Authenticate(ctx, presented, origin)
	}
	if errors.Is(err, token.ErrInvalid) {
		return Introspected{Allowance: out.Allowance}, nil
	}
	return out, err
}
