package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// LeaveBrowser signs a person out of a browser that others use, too. Their devices
// stay connected.
type LeaveBrowser struct {
	store ports.Store
	csrf  approval.CSRFKeys
	now   ports.Clock
}

// NewLeaveBrowser makes the use case.
func NewLeaveBrowser(store ports.Store, csrf approval.CSRFKeys, now ports.Clock) *LeaveBrowser {
	return &LeaveBrowser{store, csrf, now}
}

// Execute takes all grants from the browser: they move to a session that no
// browser holds, and end there. A browser that holds none is no error. It returns
// [approval.ErrCSRF].
func (uc *LeaveBrowser) Execute(ctx context.Context, by approval.Proof, origin request.Origin) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		grants, err := tx.Grants().BySession(ctx, by.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		if _, err := grants.Latest(uc.now()); err != nil { // nothing is left to forget
			return nil
		}
		grant, err := grants.Authenticate(by.CSRF, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		left := audit.New(audit.BrowserLeft, audit.PersonOf(grant.Snapshot().Subject), uc.now(), origin)
		left.Subject, left.Connection = grant.Snapshot().Subject, grant.Snapshot().Connection
		return tx.Grants().Move(ctx, by.Session.Digest(), approval.NewGrantSession().Digest(), left)
	})
}
