package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// OpenTestLink sends a browser to an identity provider with a request that names
// the canonical callback, for the link that [TestACS] made.
type OpenTestLink struct {
	store       ports.Store
	connections ports.Connections
	signIns     *SignIns
	limiter     ports.Limiter
	now         ports.Clock
}

// NewOpenTestLink makes the use case.
func NewOpenTestLink(store ports.Store, connections ports.Connections, signIns *SignIns, limiter ports.Limiter, now ports.Clock) *OpenTestLink {
	return &OpenTestLink{store, connections, signIns, limiter, now}
}

// Look returns the connection that a link would try out, without spending it. It
// refuses as [acsmove.Move.CheckTest] does.
func (uc *OpenTestLink) Look(ctx context.Context, link acsmove.Link, origin request.Origin) (via connection.Connection, err error) {
	if _, err := allow(uc.limiter.Take(ctx, quota.StartAccountSignIn, quota.ByAddress(origin.IP))); err != nil {
		return via, err
	}
	var move *acsmove.Move
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		move, err = r.ACSLedger().MoveByLink(ctx, link.Digest())
		return err
	})
	if err != nil {
		return via, err
	}
	if via, err = uc.via(ctx, move); err != nil {
		return via, err
	}
	return via, move.CheckTest(link, via, uc.now())
}

// via is the connection of a move. Its removal is a change, too.
func (uc *OpenTestLink) via(ctx context.Context, move *acsmove.Move) (connection.Connection, error) {
	via, err := findConnection(ctx, uc.connections, move.Snapshot().Connection)
	if err != nil {
		return via, fmt.Errorf("%w (%w)", acsmove.ErrConnectionChanged, err)
	}
	return via, nil
}

// Execute spends the link. It refuses as [OpenTestLink.Look] and
// [InitiateSSO.Execute] do.
func (uc *OpenTestLink) Execute(ctx context.Context, link acsmove.Link, browser approval.BrowserBinding, origin request.Origin) (Initiated, error) {
	via, err := uc.Look(ctx, link, origin)
	if err != nil {
		return Initiated{}, err
	}
	in := Initiate{
		Connection: via.Slug(), Mount: connection.Canonical, Browser: browser, Origin: origin, acs: connection.Canonical,
		opened: func(ctx context.Context, tx ports.Tx, t *approval.Transaction, started audit.Event) error {
			move, err := tx.ACSLedger().MoveByLink(ctx, link.Digest())
			if err != nil {
				return err
			}
			if err := move.OpenTest(link, via, t.Snapshot().ID, t.Snapshot().Browser, uc.now()); err != nil {
				return err
			}
			return saveMove(ctx, tx, move, []audit.Event{started})
		},
	}
	return uc.signIns.send(ctx, in, device.Snapshot{}, func(how approval.Beginning) (*approval.Transaction, approval.SignInRequest, audit.Event, error) {
		t, signIn, started := approval.BeginTest(how, uc.now(), origin)
		return t, signIn, started, nil
	})
}
