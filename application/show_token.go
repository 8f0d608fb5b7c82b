package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ShowToken tells administrators about one token.
type ShowToken struct {
	store ports.Store
	now   ports.Clock
}

// NewShowToken makes the use case.
func NewShowToken(store ports.Store, now ports.Clock) *ShowToken { return &ShowToken{store, now} }

// ErrNoSuchToken says that no token has an id.
var ErrNoSuchToken = fault.New(fault.NotFound, "unknown_token",
	"There is no token with this id, or it ended long ago and is not kept any more. List the tokens to find its id.")

// Execute finds a token, ended or not. It returns [ErrNoSuchToken].
func (uc *ShowToken) Execute(ctx context.Context, id uid.ID) (out DescribedToken, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		t, err := findToken(ctx, r.Tokens(), id)
		if err != nil {
			return err
		}
		described, err := describeTokens(ctx, r, []*token.AccessToken{t}, uc.now())
		if err == nil {
			out = described[0]
		}
		return err
	})
	return out, err
}

// findToken finds the token that an administrator names. It returns
// [ErrNoSuchToken].
func findToken(ctx context.Context, tokens ports.TokenReader, id uid.ID) (*token.AccessToken, error) {
	t, err := tokens.ByID(ctx, id)
	if errors.Is(err, token.ErrUnknown) {
		return nil, ErrNoSuchToken
	}
	if err != nil {
		return nil, fmt.Errorf("find token: %w", err)
	}
	return t, nil
}
