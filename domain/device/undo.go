package device

import (
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/internal/proof"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

// Undo takes back an approval, for the person who gave it. If it was not
// redeemed, the device is turned away; if it was, the answer will not be
// repeated, and the caller has to revoke the token. What was undone before stays
// as it is: Undo reports false and returns no event. It returns [ErrNotPending]
// for another person and if there is no approval.
func (a *Authorization) Undo(by proof.Undo, origin request.Origin) (undone audit.Event, changed bool, err error) {
	if by.Authorization() != a.s.ID {
		return audit.Event{}, false, fmt.Errorf("device: the proof is not one of undoing %s", a.s.ID)
	}
	return a.withdrawBy(by.Subject(), "undone", by.At(), origin)
}

// Withdraw takes back an approval that was not redeemed, for the person who gave
// it, however long ago. It reports false if that happened before, and returns
// [ErrNotPending] for another person and in every other state.
func (a *Authorization) Withdraw(by identity.Subject, at time.Time, origin request.Origin) (withdrawn audit.Event, changed bool, err error) {
	if a.s.Status == Redeemed {
		return audit.Event{}, false, ErrNotPending
	}
	return a.withdrawBy(by, "by_owner", at, origin)
}

func (a *Authorization) withdrawBy(by identity.Subject, reason string, at time.Time, origin request.Origin) (audit.Event, bool, error) {
	if !a.s.Subject.Same(by) {
		return audit.Event{}, false, ErrNotPending
	}
	return a.withdraw(audit.PersonOf(by), reason, at, origin)
}

// Cancel takes back an approval for an administrator. If it was not redeemed, the
// device is turned away; if it was, the answer will not be repeated. It reports
// false if that happened before, and returns [ErrNotPending] if there is no
// approval.
func (a *Authorization) Cancel(by audit.Actor, at time.Time, origin request.Origin) (cancelled audit.Event, changed bool, err error) {
	return a.withdraw(by, "by_admin", at, origin)
}

// Contain ends, for an administrator, what an attacker started: an approval as
// [Authorization.Cancel] does, and a pending code by letting it expire, of which
// there is no event. It reports false for what has ended before.
func (a *Authorization) Contain(by audit.Actor, at time.Time, origin request.Origin) (withdrawn audit.Event, changed bool) {
	if a.CheckPending(at) == nil {
		a.s.ExpiresAt = at
		return audit.Event{}, true
	}
	withdrawn, changed, err := a.withdraw(by, "phishing", at, origin)
	return withdrawn, err == nil && changed
}

func (a *Authorization) withdraw(by audit.Actor, reason string, at time.Time, origin request.Origin) (audit.Event, bool, error) {
	switch {
	case !a.s.UndoneAt.IsZero():
		return audit.Event{}, false, nil
	case a.s.Status == Approved:
		a.s.Status, a.s.TokenID, a.s.TokenLife = Denied, uid.ID{}, 0
	case a.s.Status == Redeemed:
		a.s.Repeated, a.s.Undelivered = true, false
	default:
		return audit.Event{}, false, ErrNotPending
	}
	a.s.UndoneAt = at
	e := a.event(audit.DeviceFlowDenied, by, at, origin)
	e.Reason = reason
	return e, true, nil
}
