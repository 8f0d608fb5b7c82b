package device

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
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
	// ErrForeignClient is ErrExpiredToken for a code that another client holds;
	// the standard routes call it invalid_grant (RFC 6749 §5.2).
	ErrForeignClient = fault.New(fault.Invalid, "expired_token", "This device code was issued to another client. Start again.")
)

// What a person who decides is told.
var (
	// ErrNotPending says that somebody has decided already, or the time is up.
	ErrNotPending = fault.New(fault.Conflict, "user_code_not_pending",
		"This request has been decided or has expired. Start again on your device.")
	// ErrExpired is ErrNotPending for a request whose time is up.
	ErrExpired = ErrNotPending.OnPage("user_code_expired")
	// ErrDecided is ErrNotPending for a request that somebody has decided about.
	ErrDecided = ErrNotPending.OnPage("user_code_decided")
	// ErrGone is ErrNotPending for a request that is no longer there at all.
	ErrGone = fault.New(fault.NotFound, "user_code_not_pending",
		"This request is no longer there. Start again on your device.")
)

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
	RequestedFrom   netip.Addr // zero: unknown
	RequestedAt     time.Time
	ExpiresAt       time.Time
	Status          Status
	Subject         identity.Subject // who decided
	TokenID         uid.ID           // allotted at approval
	DecidedAt       time.Time
	RedeemedAt      time.Time // when the token, or its one replacement, was handed out
	RedeemedFrom    netip.Addr
	Repeated        bool // the one repetition was answered
	Undelivered     bool // the last answer is known not to have arrived
	PolledElsewhere bool // polled from another address than RequestedFrom
}

// Start begins an attempt. The [Code] is for the client alone and is not kept.
func Start(client Client, label Label, timing Timing, at time.Time, origin request.Origin) (*Authorization, Code, audit.Event) {
	code := NewCode()
	a := &Authorization{Snapshot{
		ID: uid.New(at), Code: code.Digest(), UserCode: NewUserCode(),
		ClientID: client.ID, Label: label.String(), RequestedFrom: origin.IP,
		RequestedAt: at, ExpiresAt: at.Add(timing.TTL), Status: Pending,
	}}
	return a, code, a.event(audit.DeviceFlowStarted, at, origin)
}

// Visit begins a sign-in that lets no device in: a person wants to see their own
// devices. Nobody knows its code, and it refuses to be decided.
func Visit(timing Timing, at time.Time, origin request.Origin) (*Authorization, audit.Event) {
	a, _, begun := Start(pages, Label{pages.Name}, timing, at, origin)
	return a, begun
}

// IsVisit reports whether no device waits for the authorization.
func (a *Authorization) IsVisit() bool { return a.s.ClientID == pages.ID }

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
	if s.Status != Redeemed && (s.Repeated || s.Undelivered) {
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

// Undecided returns nil if a person may still decide, else [ErrDecided] or
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

// Approve records that by let the device in, and allots the token's id. It
// returns [ErrNotPending].
func (a *Authorization) Approve(by identity.Subject, at time.Time, origin request.Origin) (audit.Event, error) {
	if err := a.decide(Approved, by, at); err != nil {
		return audit.Event{}, err
	}
	a.s.TokenID = uid.New(at)
	return a.event(audit.DeviceFlowApproved, at, origin), nil
}

// Deny records that by turned the device away. It returns [ErrNotPending].
func (a *Authorization) Deny(by identity.Subject, at time.Time, origin request.Origin) (audit.Event, error) {
	if err := a.decide(Denied, by, at); err != nil {
		return audit.Event{}, err
	}
	return a.event(audit.DeviceFlowDenied, at, origin), nil
}

func (a *Authorization) decide(to Status, by identity.Subject, at time.Time) error {
	if by.IsZero() {
		return fmt.Errorf("device: nobody decided about %s", a.s.ID)
	}
	if a.IsVisit() {
		return ErrDecided // there is nothing to decide
	}
	if err := a.CheckPending(at); err != nil {
		return err
	}
	a.s.Status, a.s.Subject, a.s.DecidedAt = to, by, at
	return nil
}

// Undo takes back an approval, for the person who gave it. If it was not
// redeemed, the device is turned away; if it was, the answer will not be
// repeated, and the caller has to revoke the token. It returns [ErrNotPending]
// for anybody else and in every other state.
func (a *Authorization) Undo(by identity.Subject, at time.Time, origin request.Origin) (audit.Event, error) {
	if !a.s.Subject.Same(by) {
		return audit.Event{}, ErrNotPending
	}
	switch a.s.Status {
	case Approved:
		a.s.Status, a.s.TokenID, a.s.DecidedAt = Denied, uid.ID{}, at
	case Redeemed:
		a.s.Repeated, a.s.Undelivered = true, false
	default:
		return audit.Event{}, ErrNotPending
	}
	e := a.event(audit.DeviceFlowDenied, at, origin)
	e.Reason = "undone"
	return e, nil
}

// Reject records that a decision was refused for reason, without deciding.
func (a *Authorization) Reject(subject identity.Subject, reason string, at time.Time, origin request.Origin) audit.Event {
	e := a.event(audit.DeviceFlowRejected, at, origin)
	e.Subject, e.Reason = subject, reason
	return e
}

// Answer is what a client's poll gets, short of a token: nil if there is one to
// redeem or a redemption to repeat, else [ErrAuthorizationPending],
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
	case a.s.Status == Approved && at.Before(a.redeemableUntil()):
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

// Redeem hands the approval out, once. It returns [Authorization.Answer]'s
// refusals, and [ErrExpiredToken] for an authorization redeemed before.
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

// NotDelivered records that the token's answer is known not to have arrived.
// It refuses for a token that was used: that one did arrive.
func (a *Authorization) MarkUndelivered(issued *token.AccessToken) error {
	if t := issued.Snapshot(); a.s.Status != Redeemed || t.ID != a.s.TokenID || !t.LastUsedAt.IsZero() {
		return fmt.Errorf("device: nothing to withdraw for %s", a.s.ID)
	}
	a.s.Undelivered = true
	return nil
}

// PolledFrom notes the first poll that comes from another address than the
// start did, and reports whether this was it. It is for auditors: people start
// a login on one network and continue on another.
func (a *Authorization) RecordPollOrigin(at time.Time, origin request.Origin) (audit.Event, bool) {
	if a.s.PolledElsewhere || origin.IP == a.s.RequestedFrom {
		return audit.Event{}, false
	}
	a.s.PolledElsewhere = true
	return a.event(audit.DeviceCodeCrossIP, at, origin), true
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
	from, ip := a.s.RequestedFrom.Unmap().WithZone(""), person.IP.Unmap().WithZone("")
	if person.BehindUnknownProxy || !from.IsValid() || !ip.IsValid() || from.BitLen() != ip.BitLen() {
		return UnknownNetwork
	}
	bits := 24
	if from.Is6() {
		bits = 48
	}
	if network, err := from.Prefix(bits); err == nil && network.Contains(ip) {
		return SameNetwork
	}
	return OtherNetwork
}

// HintUntil is how long "still pending" may be remembered without asking again.
func (a *Authorization) PendingHintTTL(at time.Time) time.Duration {
	return min(pendingHintTTL, a.s.ExpiresAt.Sub(at))
}

func (a *Authorization) event(kind audit.Kind, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, at, origin)
	e.Subject, e.TokenID, e.ClientID, e.DeviceLabel = a.s.Subject, a.s.TokenID, a.s.ClientID, a.s.Label
	return e
}
