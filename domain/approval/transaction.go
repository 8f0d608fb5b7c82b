package approval

import (
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// Refusals of what comes back from an identity provider. To the outside they
// are one; why exactly is for the log and the auditor.
var (
	ErrInvalidAssertion = fault.New(fault.Invalid, "invalid_sso_assertion",
		"Your sign-in could not be confirmed. Start it again from this page.")
	// ErrOtherBrowser says that the trip began in another browser.
	ErrOtherBrowser = ErrInvalidAssertion.OnPage("browser_mismatch")
	// ErrTripOver says that the trip is unknown, finished or took too long.
	ErrTransactionOver = ErrInvalidAssertion.OnPage("sso_expired")
	// ErrReplayed says that an assertion was accepted before.
	ErrReplayed = ErrInvalidAssertion.OnPage("sso_replayed")
	// ErrNoEmail says that the identity provider names no e-mail address.
	ErrNoEmail = ErrInvalidAssertion.OnPage("email_missing")
	// ErrDeniedByIdP says that the identity provider turned the person away.
	// It ends nothing: the message may not even be signed.
	ErrDeniedByIdP = fault.New(fault.Forbidden, "access_denied",
		"Your identity provider did not sign you in. Try again, or ask your administrator.")
	// ErrFinishedElsewhere is ErrTransactionOver for a sign-in that was answered
	// before, in another window or browser.
	ErrFinishedElsewhere = ErrTransactionOver.OnPage("sso_finished_elsewhere")
)

// ErrUnknownTransaction says that a store has no such transaction.
var ErrUnknownTransaction = errors.New("approval: no such transaction")

const (
	transactionTTL = 15 * time.Minute
	ticketTTL      = time.Minute
)

// Testimony is what a broker vouches for after it has checked everything that
// can be checked without a store.
type VerifiedAssertion struct {
	Subject   identity.Subject
	ID        string    // of the assertion, or its nonce: one-time
	ExpiresAt time.Time // after which the assertion would be refused anyway
	// UserCode is set where the assertion itself names it (enterprise broker).
	UserCode device.UserCode
}

// Transaction is one trip to an identity provider. Its methods are the only
// ways it changes; one that returns an error has changed nothing.
type Transaction struct{ s TransactionSnapshot }

// TransactionSnapshot is a [Transaction] laid flat.
type TransactionSnapshot struct {
	ID            uid.ID
	RelayState    secret.Digest
	Authorization uid.ID
	UserCode      device.UserCode
	Connection    string           // slug
	Mount         connection.Mount // where the trip began
	ACS           connection.Mount // which the AuthnRequest names
	RequestID     string           // of the AuthnRequest, or the envelope's nonce
	Browser       secret.Digest
	BegunAt       time.Time
	ExpiresAt     time.Time

	// Set by Arrive.
	Subject         identity.Subject
	AcceptedOn      connection.Mount
	Ticket          secret.Digest
	TicketExpiresAt time.Time

	CompletedAt time.Time // set by Finish
}

// Departure is what the identity provider has to be told about a trip.
type SignInRequest struct {
	RelayState RelayState
	RequestID  string
	UserCode   device.UserCode
	ACS        connection.Mount
	ForceAuthn bool           // the person wants to be asked who they are, session or not
	LoginHint  identity.Email // zero: none
	IssuedAt   time.Time
	ExpiresAt  time.Time
}

// Begin begins the SSO transaction of a device that waits for a decision.
func Begin(a *device.Authorization, via connection.Connection, on connection.Mount, browser BrowserBinding, at time.Time, origin request.Origin) (*Transaction, SignInRequest, audit.Event, error) {
	if err := a.CheckPending(at); err != nil {
		return nil, SignInRequest{}, audit.Event{}, device.ErrInvalidUserCode
	}
	relay := newRelayState()
	d := a.Snapshot()
	t := &Transaction{TransactionSnapshot{
		ID: uid.New(at), RelayState: relay.Digest(), Authorization: d.ID, UserCode: d.UserCode,
		Connection: via.Slug(), Mount: on, ACS: via.Settings().ACSMount, RequestID: newRequestID(),
		Browser: browser.Digest(), BegunAt: at, ExpiresAt: at.Add(transactionTTL),
	}}
	started := t.event(audit.LoginStarted, on, at, origin)
	started.ClientID, started.DeviceLabel = d.ClientID, d.Label
	return t, SignInRequest{
		RelayState: relay, RequestID: t.s.RequestID, UserCode: d.UserCode, ACS: t.s.ACS,
		IssuedAt: at, ExpiresAt: t.s.ExpiresAt,
	}, started, nil
}

// RestoreTransaction brings a transaction back from storage.
func RestoreTransaction(s TransactionSnapshot) (*Transaction, error) {
	accepted := !s.Subject.IsZero()
	begun := !s.ID.IsZero() && !s.RelayState.IsZero() && !s.Authorization.IsZero() && !s.UserCode.IsZero() &&
		s.Connection != "" && s.Mount.Known() && s.ACS.Known() && s.RequestID != "" && !s.Browser.IsZero() &&
		!s.BegunAt.IsZero() && !s.ExpiresAt.IsZero()
	if !begun || accepted != !s.Ticket.IsZero() || accepted != !s.TicketExpiresAt.IsZero() ||
		accepted != s.AcceptedOn.Known() || !accepted && !s.CompletedAt.IsZero() {
		return nil, fmt.Errorf("approval: stored transaction %s is in an impossible state", s.ID)
	}
	return &Transaction{s}, nil
}

// Snapshot is the transaction laid flat.
func (t *Transaction) Snapshot() TransactionSnapshot { return t.s }

// AwaitsResponse returns [ErrTripOver] unless a response may still be accepted.
func (t *Transaction) AwaitsResponse(at time.Time) error {
	switch {
	case !t.s.Ticket.IsZero():
		return RefuseAs(ErrFinishedElsewhere, "already_answered", "", "")
	case !at.Before(t.s.ExpiresAt):
		return RefuseAs(ErrTransactionOver, "trip_expired", "", "")
	}
	return nil
}

// AcceptAssertion accepts an assertion that came in on a mount. The
// AuthnRequest's ID is spent with it. It returns [ErrTransactionOver],
// [ErrInvalidAssertion] if the assertion is about another code, and
// [connection.ErrForeignDomain].
func (t *Transaction) AcceptAssertion(what VerifiedAssertion, via connection.Connection, on connection.Mount, at time.Time, origin request.Origin) (Ticket, audit.Event, error) {
	if err := t.AwaitsResponse(at); err != nil {
		return Ticket{}, audit.Event{}, err
	}
	if via.Slug() != t.s.Connection {
		return Ticket{}, audit.Event{}, Refuse("connection_mismatch", t.s.Connection, via.Slug())
	}
	if what.Subject.IsZero() {
		return Ticket{}, audit.Event{}, ErrInvalidAssertion
	}
	if !what.UserCode.IsZero() && what.UserCode != t.s.UserCode {
		// A user code is worth a login while it is pending: neither is logged.
		return Ticket{}, audit.Event{}, Refuse("user_code_mismatch", "the user code of this sign-in", "another")
	}
	if err := via.CheckSubject(what.Subject); err != nil {
		return Ticket{}, audit.Event{}, err
	}
	ticket := newTicket()
	t.s.Subject, t.s.AcceptedOn = what.Subject, on
	t.s.Ticket, t.s.TicketExpiresAt = ticket.Digest(), at.Add(ticketTTL)
	return ticket, t.event(audit.AssertionAccepted, on, at, origin), nil
}

// Finish turns the ticket into a grant, for the browser that began the trip.
// It returns [ErrTripOver] for a ticket that is spent or more than 60 s old,
// [ErrOtherBrowser], and [device.ErrNotPending].
func (t *Transaction) Complete(a *device.Authorization, browser BrowserBinding, session GrantSession, at time.Time, origin request.Origin) (*Grant, audit.Event, error) {
	switch {
	case t.s.Ticket.IsZero():
		return nil, audit.Event{}, ErrTransactionOver
	case !t.s.CompletedAt.IsZero():
		return nil, audit.Event{}, RefuseAs(ErrFinishedElsewhere, "ticket_spent", "", "")
	case !at.Before(t.s.TicketExpiresAt):
		return nil, audit.Event{}, RefuseAs(ErrTransactionOver, "ticket_expired", "", "")
	case browser.IsZero() || !t.s.Browser.Equal(browser.Digest()):
		return nil, audit.Event{}, ErrOtherBrowser
	case a.Snapshot().ID != t.s.Authorization:
		return nil, audit.Event{}, fmt.Errorf("approval: transaction %s is for another authorization than %s", t.s.ID, a.Snapshot().ID)
	}
	if err := a.CheckPending(at); err != nil {
		return nil, audit.Event{}, err
	}
	t.s.CompletedAt = at
	g := &Grant{GrantSnapshot{
		ID: uid.New(at), Session: session.Digest(), Authorization: t.s.Authorization, UserCode: t.s.UserCode,
		Subject: t.s.Subject, Connection: t.s.Connection, GrantedAt: at, ExpiresAt: at.Add(grantTTL),
	}}
	completed := t.event(audit.LoginCompleted, t.s.AcceptedOn, at, origin)
	completed.ClientID, completed.DeviceLabel = a.Snapshot().ClientID, a.Snapshot().Label
	return g, completed, nil
}

// LoginFailed is the event of a response that was refused, for reason.
func LoginFailed(via, reason, detail string, on connection.Mount, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(audit.LoginFailed, at, origin)
	e.Connection, e.Mount, e.Reason, e.Detail = via, string(on), reason, detail
	return e
}

func (t *Transaction) event(kind audit.Kind, on connection.Mount, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, at, origin)
	e.Subject, e.Connection, e.Mount = t.s.Subject, t.s.Connection, string(on)
	return e
}
