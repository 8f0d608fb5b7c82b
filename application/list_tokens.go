package application

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ListTokens tells administrators which tokens there are.
type ListTokens struct {
	store ports.Store
	now   ports.Clock
}

// NewListTokens makes the use case.
func NewListTokens(store ports.Store, now ports.Clock) *ListTokens { return &ListTokens{store, now} }

// TokenList is one page of tokens, the newest first.
type TokenList struct {
	Tokens []DescribedToken
	Total  int
	More   bool
}

// DescribedToken is a token as administrators see it.
type DescribedToken struct {
	token.Snapshot
	SubjectType identity.Type
	Live        bool
	// Connection and FetchedFrom are zero if the authorization that was redeemed
	// for the token is not kept.
	Connection  string
	FetchedFrom netip.Addr
}

// Execute lists the tokens that a filter matches; ended says whether those that
// are revoked or expired are wanted, too.
func (uc *ListTokens) Execute(ctx context.Context, wanted token.Filter, ended bool, page Page) (out TokenList, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		found, total, err := r.Tokens().Matching(ctx, wanted, ended, uc.now(), page.offset(), page.limit)
		if err != nil {
			return fmt.Errorf("list tokens: %w", err)
		}
		out.Total, out.More = total, page.offset()+len(found) < total
		out.Tokens, err = describeTokens(ctx, r, found, uc.now())
		return err
	})
	return out, err
}

// describeTokens adds what the authorizations of tokens tell.
func describeTokens(ctx context.Context, r ports.Reader, found []*token.AccessToken, at time.Time) ([]DescribedToken, error) {
	ids := make([]uid.ID, len(found))
	for i, t := range found {
		ids[i] = t.Snapshot().ID
	}
	redeemed, err := r.Authorizations().RedeemedFor(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("find where tokens were fetched: %w", err)
	}
	out := make([]DescribedToken, len(found))
	for i, t := range found {
		out[i] = DescribedToken{Snapshot: t.Snapshot(), SubjectType: t.SubjectType(), Live: t.Valid(at) == nil}
		for _, a := range redeemed {
			if s := a.Snapshot(); s.TokenID == ids[i] {
				out[i].Connection, out[i].FetchedFrom = s.Connection, s.RedeemedFrom
			}
		}
	}
	return out, nil
}
