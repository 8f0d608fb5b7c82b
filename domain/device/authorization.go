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
		ClientID: by.ID(), Label: label.String(), Scopes: scopes, RequestedFrom: origin.Address(),
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

// Reject records that a decision was refused for reason, without deciding.
func (a *Authorization) Reject(subject identity.Subject, reason string, at time.Time, origin request.Origin) audit.Event {
	e := a.event(audit.DeviceFlowRejected, audit.PersonOf(subject), at, origin)
	e.Subject, e.Reason = subject, reason
	return e
}

// TokenLife is how long the token lives, if it would live for otherwise by now.
// What was promised at the approval is never prolonged.
func (a *Authorization) TokenLife(otherwise token.Lifetime) token.Lifetime {
	if a.s.TokenLife != 0 {
		return min(a.s.TokenLife, otherwise)
	}
	return otherwise
}

func (a *Authorization) event(kind audit.Kind, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.AuthorizationID, e.Scopes = a.s.ID, a.s.Scopes.Names()
	e.Subject, e.TokenID, e.ClientID, e.DeviceLabel = a.s.Subject, a.s.TokenID, a.s.ClientID, a.s.Label
	return e
}
