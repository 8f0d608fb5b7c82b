package device

import (
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
)

// What a polling client is told, in the words of RFC 8628 §3.5.
var (
	ErrAuthorizationPending = fault.New(fault.Invalid, "authorization_pending", "The person has not decided yet. Ask again after the interval.")
	ErrSlowDown             = fault.New(fault.Invalid, "slow_down", "That was too soon. Ask again after the interval.")
	ErrAccessDenied         = fault.New(fault.Invalid, "access_denied", "The person turned the device away. Start again if that was a mistake.")
	ErrExpiredToken         = fault.New(fault.Invalid, "expired_token", "This device code is unknown, used up or expired. Start again.")
	// ErrClientRefused is ErrAccessDenied for a client that an administrator has
	// suspended or removed.
	ErrClientRefused = fault.New(fault.Invalid, "access_denied", "This client is suspended here. Ask your administrator.")
	// ErrForeignClient is ErrExpiredToken for a code that another client holds;
	// the standard routes call it invalid_grant (RFC 6749 §5.2).
	ErrForeignClient = fault.New(fault.Invalid, "expired_token", "This device code was issued to another client. Start again.")
)

// Redeemable reports whether the device may still fetch its token.
func (a *Authorization) Redeemable(at time.Time) bool {
	return a.s.Status == Approved && at.Before(a.redeemableUntil())
}

// Fetchable reports whether a client may still get a token by the authorization:
// for the first time, or because its answer is known not to have arrived.
func (a *Authorization) Fetchable(at time.Time) bool {
	return a.Redeemable(at) || a.s.Undelivered && !a.s.Repeated && at.Before(a.s.RedeemedAt.Add(repeatWindow))
}

// CheckPoll returns what a client's poll is answered: nil if there is an approval
// to redeem or a redemption to repeat, else [ErrAuthorizationPending],
// [ErrAccessDenied], [ErrExpiredToken] or [ErrForeignClient]. An empty clientID
// is not checked.
func (a *Authorization) CheckPoll(clientID string, at time.Time) error {
	expired := !at.Before(a.s.ExpiresAt)
	switch {
	case clientID != "" && clientID != a.s.ClientID:
		return ErrForeignClient
	case a.s.Status == Redeemed && at.Before(a.s.RedeemedAt.Add(repeatWindow)):
		return nil
	case a.s.Status == Redeemed:
		return ErrExpiredToken
	case a.Redeemable(at):
		return nil
	case expired:
		return ErrExpiredToken
	case a.s.Status == Denied:
		return ErrAccessDenied
	}
	return ErrAuthorizationPending
}

func (a *Authorization) redeemableUntil() time.Time {
	if grace := a.s.DecidedAt.Add(approvalGrace); grace.After(a.s.ExpiresAt) {
		return grace
	}
	return a.s.ExpiresAt
}

// IsRedeemed reports whether the token was handed out.
func (a *Authorization) IsRedeemed() bool { return a.s.Status == Redeemed }

// Redeem hands the approval out, once. It returns the refusals of
// [Authorization.CheckPoll], and [ErrExpiredToken] for an authorization redeemed before.
func (a *Authorization) Redeem(at time.Time, origin request.Origin) error {
	if err := a.CheckPoll("", at); err != nil {
		return err
	}
	if a.s.Status == Redeemed {
		return ErrExpiredToken
	}
	a.s.Status, a.s.RedeemedAt, a.s.RedeemedFrom = Redeemed, at, origin.Address()
	return nil
}

// Repeat lets the client that redeemed have its answer once more: a gap later,
// within 30 s, from the same address, if issued was never used and is still
// the one that was handed out. It returns [ErrSlowDown] before a gap has passed
// since the last answer, whichever replica is asked: polls that lose a race for
// an answer are early, and [ErrExpiredToken] would end the client that won. It
// returns [ErrExpiredToken] otherwise.
func (a *Authorization) Repeat(issued *token.AccessToken, timing Timing, at time.Time, origin request.Origin) error {
	if a.s.Status == Redeemed && at.Before(a.s.RedeemedAt.Add(timing.Gap())) {
		return ErrSlowDown
	}
	t := issued.Snapshot()
	revoked := !t.RevokedAt.IsZero() && !a.s.Undelivered
	if a.s.Status != Redeemed || a.s.Repeated || origin.Address() != a.s.RedeemedFrom ||
		!at.Before(a.s.RedeemedAt.Add(repeatWindow)) ||
		t.ID != a.s.TokenID || !t.LastUsedAt.IsZero() || revoked {
		return ErrExpiredToken
	}
	a.s.Repeated, a.s.Undelivered, a.s.RedeemedAt = true, false, at
	return nil
}

// MarkUndelivered records that the token's answer is known not to have arrived.
// It refuses for a token that was used: that one did arrive.
func (a *Authorization) MarkUndelivered(issued *token.AccessToken) error {
	if t := issued.Snapshot(); a.s.Status != Redeemed || t.ID != a.s.TokenID || !t.LastUsedAt.IsZero() {
		return fmt.Errorf("device: nothing to withdraw for %s", a.s.ID)
	}
	a.s.Undelivered = true
	return nil
}

// IsNewPollOrigin reports whether origin is the first poll from another address
// than the start's. Addresses that a proxy hides cannot be compared.
func (a *Authorization) IsNewPollOrigin(origin request.Origin) bool {
	at := origin.Address()
	return !a.s.PolledElsewhere && at.IsValid() && a.s.RequestedFrom.IsValid() && at != a.s.RequestedFrom
}

// RecordPollOrigin records the first poll from another address than the start's,
// and reports whether this is it. Auditors look for it: a login that is started
// in one network and continued in another may be a phished one.
func (a *Authorization) RecordPollOrigin(at time.Time, origin request.Origin) (audit.Event, bool) {
	if !a.IsNewPollOrigin(origin) {
		return audit.Event{}, false
	}
	a.s.PolledElsewhere = true
	e := a.event(audit.DeviceCodeCrossIP, audit.ClientOf(a.s.ClientID), at, origin)
	e.CreationIP = a.s.RequestedFrom
	return e, true
}

// PendingHintTTL is how long "still pending" may be cached.
func (a *Authorization) PendingHintTTL(at time.Time) time.Duration {
	return min(pendingHintTTL, a.s.ExpiresAt.Sub(at))
}
