package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// EndSessions ends a person's own sessions.
type EndSessions struct {
	store    ports.Store
	throttle ports.PollThrottle
	csrf     approval.CSRFKeys
	now      ports.Clock
}

// NewEndSessions makes the use case.
func NewEndSessions(store ports.Store, throttle ports.PollThrottle, csrf approval.CSRFKeys, now ports.Clock) *EndSessions {
	return &EndSessions{store, throttle, csrf, now}
}

// endAtOnce is how many rows of a kind one transaction reads at most. A person has
// fewer devices, and fewer are approved within the life of a code.
const endAtOnce = 10_000

// ending is the work of one Execute: it ends what belongs to one person.
type ending struct {
	tx      ports.Tx
	subject identity.Subject
	owner   Owner
	by      audit.Actor
	origin  request.Origin
	now     ports.Clock

	ended int
	codes []secret.Digest // of devices that were turned away
}

// Execute ends the session called id and reports how many ended by it. An ended
// one stays ended and is no error; another person's, or none, is
// [fault.ErrNotFound]. An owner at a browser may also name a device that waits
// for its token, or no id at all: that ends everything. It returns
// [approval.ErrInvalidSession] and [approval.ErrCSRF].
func (uc *EndSessions) Execute(ctx context.Context, owner Owner, id uid.ID, origin request.Origin) (ended int, err error) {
	var codes []secret.Digest
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		e := &ending{tx: tx, owner: owner, origin: origin, now: uc.now}
		if err := e.identify(ctx, uc.csrf); err != nil {
			return err
		}
		var err error
		switch {
		case !id.IsZero():
			err = e.one(ctx, id)
		case owner.proof != nil:
			err = e.all(ctx)
		default:
			err = fault.ErrNotFound
		}
		ended, codes = e.ended, e.codes
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, code := range codes {
		_ = uc.throttle.Invalidate(ctx, code) // a hint; the device finds out without it
	}
	return ended, nil
}

// identify completes the owner. One at a browser is the subject of the grant that
// their proof belongs to.
func (e *ending) identify(ctx context.Context, keys approval.CSRFKeys) error {
	if e.owner.proof != nil {
		grants, err := e.tx.Grants().BySession(ctx, e.owner.proof.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Authenticate(e.owner.proof.CSRF, keys, e.now())
		if err != nil {
			return err
		}
		e.subject = grant.Snapshot().Subject
		e.owner.email, e.owner.issuer = e.subject.Email(), e.subject.Issuer()
	}
	e.by = audit.Actor{Kind: audit.Person, Name: e.owner.email.String()}
	return nil
}

// one ends a session or, for an owner at a browser, turns a device away that
// waits. Authorizations are locked before tokens.
func (e *ending) one(ctx context.Context, id uid.ID) error {
	if e.owner.proof != nil {
		a, err := e.tx.Authorizations().ByID(ctx, id)
		switch {
		case err == nil:
			return e.withdrawOne(ctx, a)
		case !errors.Is(err, device.ErrUnknown):
			return fmt.Errorf("find authorization: %w", err)
		}
	}
	t, err := e.tx.Tokens().ByID(ctx, id)
	if errors.Is(err, token.ErrUnknown) {
		return fault.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	if !t.BelongsTo(e.owner.email, e.owner.issuer) {
		return fault.ErrNotFound
	}
	return e.revoke(ctx, t)
}

// withdrawOne also ends the session of a device that has fetched its token while
// the person was looking at the page.
func (e *ending) withdrawOne(ctx context.Context, a *device.Authorization) error {
	if !a.Snapshot().Subject.Same(e.subject) {
		return fault.ErrNotFound
	}
	if !a.IsRedeemed() {
		return e.withdraw(ctx, a)
	}
	t, err := e.tx.Tokens().ByID(ctx, a.Snapshot().TokenID)
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	return e.revoke(ctx, t)
}

func (e *ending) all(ctx context.Context) error {
	approved, err := e.tx.Authorizations().ApprovedBy(ctx, e.owner.email, e.owner.issuer, endAtOnce)
	if err != nil {
		return fmt.Errorf("find approved devices: %w", err)
	}
	for _, a := range approved {
		if err := e.withdraw(ctx, a); err != nil {
			return err
		}
	}
	tokens, _, err := e.tx.Tokens().Sessions(ctx, e.owner.email, e.owner.issuer, e.now(), 0, endAtOnce)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, t := range tokens {
		if err := e.revoke(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (e *ending) withdraw(ctx context.Context, a *device.Authorization) error {
	redeemable := a.Redeemable(e.now())
	withdrawn, changed, err := a.Withdraw(e.subject, e.now(), e.origin)
	if err != nil || !changed {
		return err
	}
	if err := e.tx.Authorizations().Save(ctx, a, withdrawn); err != nil {
		return fmt.Errorf("save authorization: %w", err)
	}
	e.codes = append(e.codes, a.Snapshot().Code)
	if redeemable {
		e.ended++
	}
	return nil
}

func (e *ending) revoke(ctx context.Context, t *token.AccessToken) error {
	revoked, changed := t.Revoke("by_owner", e.by, e.now(), e.origin)
	if !changed {
		return nil
	}
	if err := e.tx.Tokens().Save(ctx, t, revoked); err != nil {
		return fmt.Errorf("save token: %w", err)
	}
	e.ended++
	return nil
}
