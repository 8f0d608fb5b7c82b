package device

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/internal/proof"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// What a polling client is told, in the words of RFC 8628 §3.5.
var (
	ErrAuthorizationPending = fault.New(fault.Invalid, "authorization_pending", "The person has not decided yet. Ask again after the interval.")
	ErrSlowDown             = fault.New(fault.Invalid, "slow_down", "That was too soon. Ask again after the interval.")
	ErrAccessDenied         = fault.New(fault.Invalid, "access_denied", "The person turned the device away.")
	ErrExpiredToken         = fault.New(fault.Invalid, "expired_token", "This device code is unknown, used up or expired. Start again.")
	// ErrClientRefused is ErrAccessDenied for a client that an administrator has
	// suspended or removed.
	ErrClientRefused = fault.New(fault.Invalid, "access_denied", "This client is suspended here. Ask your administrator.")
	// ErrForeignClient is ErrExpiredToken for a code that another client holds;
	// the standard routes call it invalid_grant (RFC 6749 §5.2).
	ErrForeignClient = fault.New(fault.Invalid, "expired_token", "This device code was issued to another client. Start again.")
)

// What a person who decides is told.
var (
	// ErrNotPending says that the request was decided before or has expired.
	ErrNotPending = fault.New(fault.Conflict, "user_code_not_pending",
		"This request has been decided or has expired. Start again on your device.")
	// ErrExpired is ErrNotPending for a request whose time is up.
	ErrExpired = ErrNotPending.OnPage("user_code_expired")
	// ErrDecided is ErrNotPending for a request that was decided before.
	ErrDecided = ErrNotPending.OnPage("user_code_decided")
	// ErrGone is ErrNotPending for a request that is no longer there at all.
	ErrGone = fault.New(fault.NotFound, "user_code_not_pending",
		"This request is no longer there. Start again on your device.")
)

// ErrSubjectMismatch says that the device named another person than the one that
// decides.
var ErrSubjectMismatch = fault.New(fault.Forbidden, "subject_mismatch",
	"This request is meant for another account. Sign in with the account that it names, or deny it.")

// ErrUnknown says that a store has no such authorization. Use cases word it.
var ErrUnknown = errors.New("device: no such authorization")

// Status is how far an authorization has come.
type Status string

// The states of an [Authorization].
const (
	Pending  Status = "pending"
	Approved Status = "approved"
	Denied   Status = "denied"
	Redeemed Status = "redeemed"
)

// Authorization is one attempt of one client to get a token. Its methods are
// the only ways it changes; one that returns an error has changed nothing.
type Authorization struct{ s Snapshot }

// Snapshot is an [Authorization] laid flat, for rows and comparisons.
type Snapshot struct {
	ID              uid.ID
	Code            secret.Digest
	UserCode        UserCode
	ClientID        string
	Label           string
	Scopes          scope.Set      // that the token will have; zero: all that its kind of subject has
	LoginHint       identity.Email // the only person that may approve; zero: any
	RequestedFrom   netip.Addr     // zero: unknown
	RequestedAt     time.Time
	ExpiresAt       time.Time
	Status          Status
	Subject         identity.Subject // the person who decided
	Connection      string           // slug, through which that person had signed in; empty: not known
	Language        string           // of the browser that approved ([request.Origin]); empty: not known
	TokenID         uid.ID           // allotted at approval
	TokenLife       token.Lifetime   // in whole seconds, set at approval; 0: that of the client
	DecidedAt       time.Time
	UndoneAt        time.Time // the approval was taken back
	RedeemedAt      time.Time // when the token, or its one replacement, was handed out
	RedeemedFrom    netip.Addr
	Repeated        bool   // no further repetition is answered
	Undelivered     bool   // the last answer is known not to have arrived
	PolledElsewhere bool   // polled from another address than RequestedFrom
	UserAgent       string // of the start
}

// Start begins an attempt of a client that asks for scopes ([client.Client.Grant]). The
// [Code] is for the client alone and is not kept.
func Start(by client.Client, label Label, scopes scope.Set, timing Timing, at time.Time, origin request.Origin) (*Authorization, Code, audit.Event) {
	code := NewCode()
	a := &Authorization{Snapshot{
		ID: uid.New(at), Code: code.Digest(), UserCode: NewUserCode(),
		ClientID: by.ID(), Label: label.String(), Scopes: scopes, RequestedFrom: origin.IP,
		RequestedAt: at, ExpiresAt: at.Add(timing.TTL), Status: Pending, UserAgent: origin.UserAgent,
	}}
	return a, code, a.event(audit.DeviceFlowStarted, audit.ClientOf(by.ID()), at, origin)
}

// BindTo makes the person with the address the only one that may approve.
func (a *Authorization) BindTo(hint identity.Email) { a.s.LoginHint = hint }

// CheckSubject returns [ErrSubjectMismatch] unless the person may approve.
func (a *Authorization) CheckSubject(by identity.Subject) error {
	if !a.s.LoginHint.IsZero() && a.s.LoginHint != by.Email() {
		return ErrSubjectMismatch
	}
	return nil
}

// Restore brings an authorization back from storage. It refuses a state that
// no sequence of moves leads to.
func Restore(s Snapshot) (*Authorization, error) {
	decided := !s.Subject.IsZero() && !s.DecidedAt.IsZero()
	allotted := decided && !s.TokenID.IsZero()
	var ok bool
	switch s.Status {
	case Pending:
		ok = s.Subject.IsZero() && s.DecidedAt.IsZero() && s.TokenID.IsZero() && s.RedeemedAt.IsZero()
	case Denied:
		ok = decided && s.TokenID.IsZero() && s.RedeemedAt.IsZero()
	case Approved:
		ok = allotted && s.RedeemedAt.IsZero()
	case Redeemed:
		ok = allotted && !s.RedeemedAt.IsZero()
	}
	if s.Status != Redeemed && (s.Repeated || s.Undelivered) || s.TokenLife < 0 || s.TokenLife != 0 && !allotted {
		ok = false
	}
	if !s.UndoneAt.IsZero() && s.Status != Denied && s.Status != Redeemed {
		ok = false
	}
	if !ok || s.ID.IsZero() || s.Code.IsZero() || s.UserCode.IsZero() || s.ClientID == "" ||
		s.RequestedAt.IsZero() || s.ExpiresAt.IsZero() {
		return nil, fmt.Errorf("device: stored authorization %s is in an impossible state (%s)", s.ID, s.Status)
	}
	return &Authorization{s}, nil
}

// Snapshot is the authorization laid flat.
func (a *Authorization) Snapshot() Snapshot { return a.s }

// CheckPending returns nil if a person may still decide, else [ErrDecided] or
// [ErrExpired], both of which are [ErrNotPending].
func (a *Authorization) CheckPending(at time.Time) error {
	switch {
	case a.s.Status != Pending:
		return ErrDecided
	case !at.Before(a.s.ExpiresAt):
		return ErrExpired
	}
	return nil
}

// Narrow leaves the token fewer scopes than were asked for.
func (a *Authorization) Narrow(to scope.Set) { a.s.Scopes = a.s.Scopes.Within(to) }

// Approve records that the person who decided lets the device in, and allots the
// token's id. The token will live for life. It returns [ErrSubjectMismatch] and
// [ErrNotPending].
func (a *Authorization) Approve(by proof.Decision, life token.Lifetime, origin request.Origin) (audit.Event, error) {
	if err := a.CheckSubject(by.Subject()); err != nil {
		return audit.Event{}, err
	}
	if err := a.decide(Approved, proof.Approve, by); err != nil {
		return audit.Event{}, err
	}
	a.s.TokenID, a.s.TokenLife = uid.New(by.At()), token.Lifetime(time.Duration(life).Truncate(time.Second))
	a.s.Language = origin.Language
	e := a.event(audit.DeviceFlowApproved, audit.PersonOf(by.Subject()), by.At(), origin)
	e.TokenExpiresAt = by.At().Add(time.Duration(life))
	return e, nil
}

// NotRequested is the reason of a denial by a person that did not ask for the
// device.
const NotRequested = "not_requested"

// Deny records that the person turns the device away, for a reason that may be
// empty. It returns [ErrNotPending].
func (a *Authorization) Deny(by proof.Decision, reason string, origin request.Origin) (audit.Event, error) {
	if err := a.decide(Denied, proof.Deny, by); err != nil {
		return audit.Event{}, err
	}
	e := a.event(audit.DeviceFlowDenied, audit.PersonOf(by.Subject()), by.At(), origin)
	e.Reason = reason
	return e, nil
}

func (a *Authorization) decide(to Status, verdict proof.Verdict, by proof.Decision) error {
	if by.Authorization() != a.s.ID || by.Verdict() != verdict || by.Subject().IsZero() {
		return fmt.Errorf("device: the proof is not one of %s for %s", verdict, a.s.ID)
	}
	if err := a.CheckPending(by.At()); err != nil {
		return err
	}
	a.s.Status, a.s.Subject, a.s.Connection, a.s.DecidedAt = to, by.Subject(), by.Connection(), by.At()
	return nil
}

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

// Redeemable reports whether the device may still fetch its token.
func (a *Authorization) Redeemable(at time.Time) bool {
	return a.s.Status == Approved && at.Before(a.redeemableUntil())
}

// Fetchable reports whether a client may still get a token by the authorization:
// for the first time, or because its answer is known not to have arrived.
func (a *Authorization) Fetchable(at time.Time) bool {
	return a.Redeemable(at) || a.s.Undelivered && !a.s.Repeated && at.Before(a.s.RedeemedAt.Add(repeatWindow))
}

// Reject records that a decision was refused for reason, without deciding.
func (a *Authorization) Reject(subject identity.Subject, reason string, at time.Time, origin request.Origin) audit.Event {
	e := a.event(audit.DeviceFlowRejected, audit.PersonOf(subject), at, origin)
	e.Subject, e.Reason = subject, reason
	return e
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
	a.s.Status, a.s.RedeemedAt, a.s.RedeemedFrom = Redeemed, at, origin.IP
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
	if a.s.Status != Redeemed || a.s.Repeated || origin.IP != a.s.RedeemedFrom ||
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
// than the start's.
func (a *Authorization) IsNewPollOrigin(origin request.Origin) bool {
	return !a.s.PolledElsewhere && origin.IP != a.s.RequestedFrom
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

// NetworkMatch compares the network of a device with that of the person who
// decides about it.
type NetworkMatch string

// The matches.
const (
	SameNetwork    NetworkMatch = "same" // the same address, IPv4 /24 or IPv6 /48
	OtherNetwork   NetworkMatch = "other"
	UnknownNetwork NetworkMatch = "unknown" // the addresses cannot be compared
)

// NetworkMatchFor compares the address that the device asked from with the
// person's. It is [UnknownNetwork] if one of them is missing, if they are of
// different families (one household has both), or if a proxy that is not
// configured may stand in front of the person: then all requests have one
// address.
func (a *Authorization) NetworkMatchFor(person request.Origin) NetworkMatch {
	if person.BehindUnknownProxy {
		return UnknownNetwork
	}
	return matchOf(a.s.RequestedFrom, person.IP, 24, 48)
}

// StartedBeside reports whether the other authorization was started from the same
// address, or the same IPv6 /64, which is one subscriber's.
func (a *Authorization) StartedBeside(other *Authorization) bool {
	return matchOf(a.s.RequestedFrom, other.s.RequestedFrom, 32, 64) == SameNetwork
}

func matchOf(a, b netip.Addr, bits4, bits6 int) NetworkMatch {
	a, b = a.Unmap().WithZone(""), b.Unmap().WithZone("")
	if !a.IsValid() || !b.IsValid() || a.BitLen() != b.BitLen() {
		return UnknownNetwork
	}
	bits := bits4
	if a.Is6() {
		bits = bits6
	}
	if network, err := a.Prefix(bits); err == nil && network.Contains(b) {
		return SameNetwork
	}
	return OtherNetwork
}

// TokenLife is how long the token lives, if it would live for otherwise by now.
// What was promised at the approval is never prolonged.
func (a *Authorization) TokenLife(otherwise token.Lifetime) token.Lifetime {
	if a.s.TokenLife != 0 {
		return min(a.s.TokenLife, otherwise)
	}
	return otherwise
}

// PendingHintTTL is how long "still pending" may be cached.
func (a *Authorization) PendingHintTTL(at time.Time) time.Duration {
	return min(pendingHintTTL, a.s.ExpiresAt.Sub(at))
}

func (a *Authorization) event(kind audit.Kind, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.AuthorizationID, e.Scopes = a.s.ID, a.s.Scopes.Names()
	e.Subject, e.TokenID, e.ClientID, e.DeviceLabel = a.s.Subject, a.s.TokenID, a.s.ClientID, a.s.Label
	return e
}
