package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
)

// AuthorizeRequest tells a proxy whether a request with a token may reach the
// API behind it.
type AuthorizeRequest struct{ verify *VerifyToken }

// NewAuthorizeRequest makes the use case.
func NewAuthorizeRequest(verify *VerifyToken) *AuthorizeRequest { return &AuthorizeRequest{verify} }

// Execute returns [token.ErrInvalid] and, unless the token has all scopes that
// are required, [token.ErrInsufficientScope]. The request is a use of the token.
// It counts against no limit: how often an API may be called is for the API, and
// a proxy has no answer for a refusal of that kind.
func (uc *AuthorizeRequest) Execute(ctx context.Context, presented token.Secret, required []string, origin request.Origin) (*token.AccessToken, error) {
	t, err := uc.verify.Authenticate(ctx, presented, origin)
	if err != nil {
		return nil, err
	}
	if err := t.CheckScopes(required); err != nil {
		return nil, err
	}
	return t, nil
}
