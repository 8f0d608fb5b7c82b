package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// DescribeSignIn tells a page what the person at a browser signed in for last.
type DescribeSignIn struct {
	store ports.Store
	csrf  approval.CSRFKeys
	now   ports.Clock
}

// NewDescribeSignIn makes the use case.
func NewDescribeSignIn(store ports.Store, csrf approval.CSRFKeys, now ports.Clock) *DescribeSignIn {
	return &DescribeSignIn{store, csrf, now}
}

// SignIn is one that has not expired.
type SignIn struct {
	Subject    identity.Subject
	Connection string // slug
	Purpose    approval.Purpose
	NeedsCode  bool // the person has yet to type the user code ([EnterCode])
	CSRF       approval.CSRF
	ExpiresAt  time.Time
}

// Execute returns [approval.ErrNoSession].
func (uc *DescribeSignIn) Execute(ctx context.Context, session approval.GrantSession) (out SignIn, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		grants, err := r.Grants().BySession(ctx, session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Latest(uc.now())
		if err == nil {
			out = describeSignIn(grant, uc.csrf)
		}
		return err
	})
	return out, err
}

func describeSignIn(grant *approval.Grant, keys approval.CSRFKeys) SignIn {
	s := grant.Snapshot()
	return SignIn{Subject: s.Subject, Connection: s.Connection, Purpose: s.Purpose, NeedsCode: grant.NeedsCode(), CSRF: keys.Token(grant), ExpiresAt: s.ExpiresAt}
}
