package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// ListSessions tells a person on which devices they are signed in.
type ListSessions struct {
	store ports.Store
	now   ports.Clock
}

// NewListSessions makes the use case.
func NewListSessions(store ports.Store, now ports.Clock) *ListSessions {
	return &ListSessions{store, now}
}

// ErrInvalidPage says that a page was asked for that there cannot be.
var ErrInvalidPage = fault.New(fault.Unprocessable, "invalid_param", "page counts from 1, and limit from 1 to 200.")

// Page is a part of a list: numbered from 1, of 1 to 200 entries.
type Page struct{ number, limit int }

// NewPage returns [ErrInvalidPage].
func NewPage(number, limit int) (Page, error) {
	if number < 1 || number > 1_000_000 || limit < 1 || limit > 200 {
		return Page{}, ErrInvalidPage
	}
	return Page{number, limit}, nil
}

// Number counts from 1.
func (p Page) Number() int { return p.number }

// Limit is how many entries the page has at most.
func (p Page) Limit() int { return p.limit }

func (p Page) offset() int { return (p.number - 1) * p.limit }

// Sessions is one page of a person's sessions, the newest first.
type Sessions struct {
	Tokens []*token.AccessToken
	Total  int
	More   bool
}

// Execute lists the sessions of whoever issuer calls by email, and nobody
// else's.
func (uc *ListSessions) Execute(ctx context.Context, email identity.Email, issuer string, page Page) (out Sessions, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		out.Tokens, out.Total, err = r.Tokens().Sessions(ctx, email, issuer, uc.now(), page.offset(), page.limit)
		return err
	})
	if err != nil {
		return Sessions{}, fmt.Errorf("list sessions: %w", err)
	}
	out.More = page.offset()+len(out.Tokens) < out.Total
	return out, nil
}
