package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// PollDevice answers a client that waits (RFC 8628 §3.4). The token is made
// here, when an approval is redeemed, and never earlier.
type PollDevice struct {
	store    ports.Store
	throttle ports.PollThrottle
	clients  ports.Clients
	watch    *PhishingWatch
	holds    *HoldChecks
	timing   device.Timing
	life     token.Lifetime
	notices  *Notices
	now      ports.Clock
}

// NewPollDevice makes the use case.
func NewPollDevice(store ports.Store, throttle ports.PollThrottle, clients ports.Clients, watch *PhishingWatch, holds *HoldChecks, timing device.Timing, life token.Lifetime, notices *Notices, now ports.Clock) *PollDevice {
	return &PollDevice{store, throttle, clients, watch, holds, timing, life, notices, now}
}

// Redeemed is what a client gets, once.
type Redeemed struct {
	Authorization uid.ID
	Secret        token.Secret
	Token         *token.AccessToken
}

// Execute returns the token, or what RFC 8628 §3.5 has the client told:
// [device.ErrAuthorizationPending], [device.ErrSlowDown],
// [device.ErrAccessDenied], [device.ErrExpiredToken] or
// [device.ErrForeignClient]. An empty clientID is not checked.
func (uc *PollDevice) Execute(ctx context.Context, code device.Code, clientID string, origin request.Origin) (Redeemed, error) {
	digest, poller, now := code.Digest(), clientID+"|"+origin.IP.String(), uc.now()

	waits, due, err := uc.throttle.CheckPending(ctx, digest, poller, uc.timing.Gap())
	known := err == nil
	switch {
	case known && waits && due:
		return Redeemed{}, device.ErrAuthorizationPending
	case known && waits:
		return Redeemed{}, device.ErrSlowDown
	}

	a, life, answer := uc.find(ctx, digest, clientID, now)
	pending := errors.Is(answer, device.ErrAuthorizationPending)
	switch {
	case answer != nil && !pending:
		if known && due {
			_ = uc.throttle.Release(ctx, digest) // else the next poll is refused as early
		}
		return Redeemed{}, answer
	case known && !due:
		return Redeemed{}, device.ErrSlowDown
	case !pending:
		return uc.redeemUnlessHeld(ctx, a, life, origin)
	}
	_ = uc.throttle.CachePending(ctx, digest, ports.PendingHint{Poller: poller, TTL: a.PendingHintTTL(now)}) // a hint
	if a.IsNewPollOrigin(origin) {
		if err := uc.recordPollOrigin(ctx, a.Snapshot().ID, origin); err != nil {
			return Redeemed{}, err
		}
	}
	return Redeemed{}, answer
}

// find returns the authorization, the life of its token, and what its client is
// told; nil for one that can be redeemed.
func (uc *PollDevice) find(ctx context.Context, code secret.Digest, clientID string, now time.Time) (a *device.Authorization, life token.Lifetime, answer error) {
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		a, err = r.Authorizations().ByCode(ctx, code)
		return err
	})
	switch {
	case errors.Is(err, device.ErrUnknown):
		return nil, 0, device.ErrExpiredToken
	case err != nil:
		return nil, 0, fmt.Errorf("find device code: %w", err)
	}
	answer = a.CheckPoll(clientID, now)
	if answer != nil && !errors.Is(answer, device.ErrAuthorizationPending) {
		return a, 0, answer
	}
	of, err := uc.client(ctx, a, answer == nil)
	if err != nil {
		return a, 0, err
	}
	return a, a.TokenLife(of.TokenLife(uc.life)), answer
}

// client is the one that a is of. It returns [device.ErrClientRefused] for one
// that is suspended. One that is not known here waits on, because this process
// may be the last to hear of it; it redeems nothing.
func (uc *PollDevice) client(ctx context.Context, a *device.Authorization, redeems bool) (client.Client, error) {
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return client.Client{}, fmt.Errorf("list clients: %w", err)
	}
	of, err := clients.Usable(a.Snapshot().ClientID)
	if err != nil && (redeems || !of.IsZero()) {
		return client.Client{}, device.ErrClientRefused
	}
	return of, nil
}

// redeemUnlessHeld lets a device of a held source wait, which it is told in the
// words of a decision that is still to come.
func (uc *PollDevice) redeemUnlessHeld(ctx context.Context, a *device.Authorization, life token.Lifetime, origin request.Origin) (Redeemed, error) {
	if !a.IsRedeemed() {
		may, err := uc.holds.mayRedeem(ctx, a.Snapshot())
		if err != nil {
			return Redeemed{}, err
		}
		if !may {
			return Redeemed{}, device.ErrAuthorizationPending
		}
	}
	return uc.redeem(ctx, a.Snapshot().ID, life, origin)
}

// recordPollOrigin keeps for auditors that a device polls from elsewhere.
func (uc *PollDevice) recordPollOrigin(ctx context.Context, id uid.ID, origin request.Origin) error {
	var observed []watched
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		a, err := tx.Authorizations().ByID(ctx, id)
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		elsewhere, changed := a.RecordPollOrigin(uc.now(), origin)
		if !changed {
			return nil
		}
		if err := tx.Authorizations().Save(ctx, a, elsewhere); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		observed, err = uc.watch.keepPoll(ctx, tx, a.Snapshot(), elsewhere)
		return err
	})
	if err == nil {
		uc.watch.assess(ctx, observed...)
	}
	return err
}

// redeem mints the token or, if that was done before, repeats the answer. Where
// the poll comes from is recorded with it.
func (uc *PollDevice) redeem(ctx context.Context, id uid.ID, life token.Lifetime, origin request.Origin) (out Redeemed, err error) {
	var observed []watched
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		a, err := tx.Authorizations().ByID(ctx, id)
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		elsewhere, isNew := a.RecordPollOrigin(uc.now(), origin)
		if a.IsRedeemed() {
			out, err = uc.repeat(ctx, tx, a, origin)
		} else {
			out, err = uc.mint(ctx, tx, a, life, origin)
		}
		_, refused := fault.Of(err)
		switch {
		case !isNew || err != nil && !refused:
			return err
		case refused: // the poll from elsewhere stays on record
			if saved := tx.Authorizations().Save(ctx, a, elsewhere); saved != nil {
				return fmt.Errorf("record poll origin: %w", saved)
			}
			return ports.CommitWith(err)
		}
		if err := tx.Audit().Record(ctx, elsewhere); err != nil {
			return fmt.Errorf("record poll origin: %w", err)
		}
		observed, err = uc.watch.keepPoll(ctx, tx, a.Snapshot(), elsewhere)
		return err
	})
	if err != nil {
		return Redeemed{}, err
	}
	uc.watch.assess(ctx, observed...)
	return out, nil
}

func (uc *PollDevice) mint(ctx context.Context, tx ports.Tx, a *device.Authorization, life token.Lifetime, origin request.Origin) (Redeemed, error) {
	at := uc.now()
	if err := a.Redeem(at, origin); err != nil {
		return Redeemed{}, err
	}
	s := a.Snapshot()
	of := token.DeviceOf(s.Subject, s.ClientID, s.Label)
	if err := revokeReplaced(ctx, tx, of, s.ID, at, origin); err != nil {
		return Redeemed{}, err
	}
	t, secret, minted := token.Mint(token.Order{
		ID: s.TokenID, Authorization: s.ID, Device: of, Subject: s.Subject.Type(), Scopes: s.Scopes, Lifetime: life,
	}, at, origin)
	if err := tx.Tokens().Add(ctx, t, minted); err != nil {
		return Redeemed{}, fmt.Errorf("add token: %w", err)
	}
	if err := tx.Authorizations().Save(ctx, a, minted); err != nil {
		return Redeemed{}, fmt.Errorf("save authorization: %w", err)
	}
	if err := uc.notices.connected(ctx, tx, minted); err != nil {
		return Redeemed{}, err
	}
	return Redeemed{s.ID, secret, t}, nil
}

// revokeReplaced ends the token that the device had before the authorization.
func revokeReplaced(ctx context.Context, tx ports.Tx, of token.Device, authorization uid.ID, at time.Time, origin request.Origin) error {
	before, err := tx.Tokens().LiveOf(ctx, of)
	if errors.Is(err, token.ErrUnknown) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the device's token: %w", err)
	}
	revoked, changed := before.Revoke("replaced", audit.ClientOf(of.ClientID), at, origin)
	if !changed {
		return nil
	}
	revoked.AuthorizationID = authorization
	return tx.Tokens().Save(ctx, before, revoked)
}

func (uc *PollDevice) repeat(ctx context.Context, tx ports.Tx, a *device.Authorization, origin request.Origin) (Redeemed, error) {
	at := uc.now()
	t, err := tx.Tokens().ByID(ctx, a.Snapshot().TokenID)
	if errors.Is(err, token.ErrUnknown) {
		return Redeemed{}, device.ErrExpiredToken
	}
	if err != nil {
		return Redeemed{}, fmt.Errorf("find token: %w", err)
	}
	if err := a.Repeat(t, uc.timing, at, origin); err != nil {
		return Redeemed{}, err
	}
	if err := uc.noNewerToken(ctx, tx, t); err != nil {
		return Redeemed{}, err
	}
	secret, rotated, err := t.Reissue(at, origin)
	if err != nil {
		return Redeemed{}, device.ErrExpiredToken
	}
	if err := tx.Tokens().Save(ctx, t, rotated); err != nil {
		return Redeemed{}, fmt.Errorf("save token: %w", err)
	}
	if err := tx.Authorizations().Save(ctx, a, rotated); err != nil {
		return Redeemed{}, fmt.Errorf("save authorization: %w", err)
	}
	return Redeemed{a.Snapshot().ID, secret, t}, nil
}

// noNewerToken refuses to bring a withdrawn token back over whatever the device
// got since. A live one is in its place; it is not looked for, because that
// takes locks in another order than minting does.
func (uc *PollDevice) noNewerToken(ctx context.Context, tx ports.Tx, t *token.AccessToken) error {
	if t.Snapshot().RevokedAt.IsZero() {
		return nil
	}
	_, err := tx.Tokens().LiveOf(ctx, t.Snapshot().Device)
	switch {
	case err == nil:
		return device.ErrExpiredToken
	case errors.Is(err, token.ErrUnknown):
		return nil
	}
	return fmt.Errorf("find the device's token: %w", err)
}
