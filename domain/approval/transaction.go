package approval

import (
	"errors"
	"fmt"
	"net/netip"
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
	// ErrOtherBrowser says that the sign-in began in another browser.
	ErrOtherBrowser = ErrInvalidAssertion.OnPage("browser_mismatch")
	// ErrTransactionOver says that the transaction is unknown, completed or
	// expired.
	ErrTransactionOver = ErrInvalidAssertion.OnPage("sso_expired")
	// ErrReplayed says that an assertion was accepted before.
	ErrReplayed = ErrInvalidAssertion.OnPage("sso_replayed")
	// ErrIdPInitiated says that the response answers no sign-in that was begun
	// here: the person came from a tile or a bookmark at the identity provider.
	ErrIdPInitiated = ErrInvalidAssertion.OnPage("idp_initiated")
	// ErrRelayStateMissing is the same for a response without a RelayState.
	ErrRelayStateMissing = fault.InvalidRequest("RelayState is required. Start on the device, not at the identity provider.").OnPage("idp_initiated")
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

// VerifiedAssertion is what a broker returns after it has checked everything that
// can be checked without a store.
type VerifiedAssertion struct {
	Subject   identity.Subject
	ID        string    // of the assertion, or its nonce: one-time
	ExpiresAt time.Time // after which the assertion would be refused anyway
	// SignedInAt is when the person gave credentials to the identity provider, by
	// its clock; zero: it does not say.
	SignedInAt time.Time
	// IssuedAt is when the identity provider made the assertion, by its clock; zero:
	// it does not say.
	IssuedAt time.Time
	// UserCode is set where the assertion itself names it (enterprise broker).
	UserCode device.UserCode
}

// signedIn is when the person gave credentials, by the clock of this service. An
// assertion is made after the request and before it arrives. Where its time says
// otherwise, the identity provider's clock is off, and the assertion is taken to be
// made as it arrived. Else that clock is right, to the second.
func (a VerifiedAssertion) signedIn(requested, arrived time.Time) time.Time {
	if a.SignedInAt.IsZero() || a.IssuedAt.IsZero() ||
		!a.IssuedAt.Before(requested.Truncate(time.Second)) && !a.IssuedAt.After(arrived) {
		return a.SignedInAt
	}
	return a.SignedInAt.Add(arrived.Sub(a.IssuedAt)).Truncate(time.Microsecond)
}

// Transaction is one sign-in of one browser at an identity provider. Its methods
// are the only ways it changes; one that returns an error has changed nothing.
type Transaction struct{ s TransactionSnapshot }

// TransactionSnapshot is a [Transaction] laid flat.
type TransactionSnapshot struct {
	ID            uid.ID
	RelayState    secret.Digest
	Purpose       Purpose
	Authorization uid.ID // zero: none, or not known yet
	// UserCode is the authorization's. Without one it is a random code that no
	// device shows: the enterprise broker names its transactions by it.
	UserCode   device.UserCode
	Connection string           // slug
	Mount      connection.Mount // where the transaction began
	ACS        connection.Mount // which the AuthnRequest names
	RequestID  string           // of the AuthnRequest, or the envelope's nonce
	Browser    secret.Digest
	BegunAt    time.Time
	ExpiresAt  time.Time

	// Set by AcceptAssertion.
	Subject         identity.Subject
	AcceptedOn      connection.Mount
	AcceptedFrom    netip.Addr // of the browser that brought the assertion; zero: not known
	SignedInAt      time.Time  // by our clock; zero: the identity provider did not say
	Ticket          secret.Digest
	TicketExpiresAt time.Time

	CompletedAt time.Time // set by Complete
}

// SignInRequest is what the identity provider has to be told about a transaction.
type SignInRequest struct {
	RelayState RelayState
	RequestID  string
	UserCode   device.UserCode
	ACS        connection.Mount
	ForceAuthn bool           // the identity provider asks for credentials despite a session
	LoginHint  identity.Email // zero: none
	IssuedAt   time.Time
	ExpiresAt  time.Time
}

// Beginning says how a browser begins to sign in.
type Beginning struct {
	Via     connection.Connection
	Mount   connection.Mount
	ACS     connection.Mount // which the AuthnRequest names; empty: the connection's
	Browser BrowserBinding
}

// Begin begins to sign in for a device that waits for a decision. It returns
// [device.ErrInvalidUserCode] if the device does not wait for one.
func Begin(a *device.Authorization, how Beginning, at time.Time, origin request.Origin) (*Transaction, SignInRequest, audit.Event, error) {
	if err := a.CheckPending(at); err != nil {
		return nil, SignInRequest{}, audit.Event{}, device.ErrInvalidUserCode
	}
	d := a.Snapshot()
	t, signIn, started := begin(ApproveDevice, d.ID, d.UserCode, how, at, origin)
	started.ClientID, started.DeviceLabel = d.ClientID, d.Label
	return t, signIn, started, nil
}

// BeginWithoutCode begins to sign in for a device whose user code the person will
// type afterwards.
func BeginWithoutCode(how Beginning, at time.Time, origin request.Origin) (*Transaction, SignInRequest, audit.Event) {
	return begin(ApproveDevice, uid.ID{}, device.NewUserCode(), how, at, origin)
}

// BeginTest begins to sign in for trying a connection out.
func BeginTest(how Beginning, at time.Time, origin request.Origin) (*Transaction, SignInRequest, audit.Event) {
	return begin(TestConnection, uid.ID{}, device.NewUserCode(), how, at, origin)
}

// BeginManaging begins to sign in for managing one's own devices.
func BeginManaging(how Beginning, at time.Time, origin request.Origin) (*Transaction, SignInRequest, audit.Event) {
	return begin(ManageDevices, uid.ID{}, device.NewUserCode(), how, at, origin)
}

func begin(purpose Purpose, authorization uid.ID, code device.UserCode, how Beginning, at time.Time, origin request.Origin) (*Transaction, SignInRequest, audit.Event) {
	relay, acs := newRelayState(), how.ACS
	if acs == "" {
		acs = how.Via.Settings().ACSMount
	}
	t := &Transaction{TransactionSnapshot{
		ID: uid.New(at), RelayState: relay.Digest(), Purpose: purpose, Authorization: authorization,
		UserCode: code, Connection: how.Via.Slug(), Mount: how.Mount,
		ACS: acs, RequestID: newRequestID(),
		Browser: how.Browser.Digest(), BegunAt: at, ExpiresAt: at.Add(transactionTTL),
	}}
	return t, SignInRequest{
		RelayState: relay, RequestID: t.s.RequestID, UserCode: code, ACS: t.s.ACS,
		IssuedAt: at, ExpiresAt: t.s.ExpiresAt,
	}, t.event(audit.LoginStarted, how.Mount, at, origin)
}

// RestoreTransaction brings a transaction back from storage.
func RestoreTransaction(s TransactionSnapshot) (*Transaction, error) {
	accepted := !s.Subject.IsZero()
	purpose := s.Purpose == ApproveDevice || (s.Purpose == ManageDevices || s.Purpose == TestConnection) && s.Authorization.IsZero()
	begun := !s.ID.IsZero() && !s.RelayState.IsZero() && purpose && !s.UserCode.IsZero() &&
		s.Connection != "" && s.Mount.Known() && s.ACS.Known() && s.RequestID != "" && !s.Browser.IsZero() &&
		!s.BegunAt.IsZero() && !s.ExpiresAt.IsZero()
	if !begun || accepted != !s.Ticket.IsZero() || accepted != !s.TicketExpiresAt.IsZero() ||
		accepted != s.AcceptedOn.Known() || !accepted && (!s.CompletedAt.IsZero() || !s.SignedInAt.IsZero() || s.AcceptedFrom.IsValid()) {
		return nil, fmt.Errorf("approval: stored transaction %s is in an impossible state", s.ID)
	}
	return &Transaction{s}, nil
}

// Snapshot is the transaction laid flat.
func (t *Transaction) Snapshot() TransactionSnapshot { return t.s }

// AwaitsResponse returns [ErrTransactionOver] unless a response may still be accepted.
func (t *Transaction) AwaitsResponse(at time.Time) error {
	switch {
	case !t.s.Ticket.IsZero():
		return RefuseAs(ErrFinishedElsewhere, "already_answered", "", "")
	case !at.Before(t.s.ExpiresAt):
		return RefuseAs(ErrTransactionOver, "transaction_expired", "", "")
	}
	return nil
}

// AcceptAssertion accepts an assertion that came in on a mount, once: the
// AuthnRequest's ID is spent with it. It returns [ErrTransactionOver],
// [ErrInvalidAssertion] if the assertion names no person or is about another code
// or connection, and [connection.ErrForeignDomain].
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
	t.s.Subject, t.s.AcceptedOn, t.s.SignedInAt = what.Subject, on, what.signedIn(t.s.BegunAt, at)
	t.s.AcceptedFrom = origin.CertainAddress()
	t.s.Ticket, t.s.TicketExpiresAt = ticket.Digest(), at.Add(ticketTTL)
	return ticket, t.event(audit.AssertionAccepted, on, at, origin), nil
}

// Complete turns the ticket into a grant, for the browser that began the
// transaction. a is the authorization that it was begun for, nil if there is
// none. It returns [ErrTransactionOver] for a ticket that is spent or more than
// 60 s old, [ErrOtherBrowser], and [device.ErrNotPending].
func (t *Transaction) Complete(a *device.Authorization, browser BrowserBinding, session GrantSession, at time.Time, origin request.Origin) (*Grant, audit.Event, error) {
	if err := t.checkTicket(browser, at); err != nil {
		return nil, audit.Event{}, err
	}
	if !t.s.Purpose.makesGrant() {
		return nil, audit.Event{}, fmt.Errorf("approval: transaction %s is for %s and makes no grant", t.s.ID, t.s.Purpose)
	}
	var of device.Snapshot
	if a != nil {
		of = a.Snapshot()
	}
	if of.ID != t.s.Authorization {
		return nil, audit.Event{}, fmt.Errorf("approval: transaction %s is for authorization %s, not %s", t.s.ID, t.s.Authorization, of.ID)
	}
	if a != nil {
		if err := a.CheckPending(at); err != nil {
			return nil, audit.Event{}, err
		}
	}
	t.s.CompletedAt = at
	g := &Grant{GrantSnapshot{
		ID: uid.New(at), Session: session.Digest(), Purpose: t.s.Purpose, Authorization: of.ID, UserCode: of.UserCode,
		Subject: t.s.Subject, Connection: t.s.Connection, SignedInAt: t.s.SignedInAt, SignedInFrom: t.s.AcceptedFrom,
		GrantedAt: at, ExpiresAt: at.Add(grantTTL),
	}}
	completed := t.event(audit.LoginCompleted, t.s.AcceptedOn, at, origin)
	completed.ClientID, completed.DeviceLabel = of.ClientID, of.Label
	return g, completed, nil
}

// CompleteTest turns the ticket of a transaction that tries a connection out into
// nothing but its event. It refuses as [Transaction.Complete] does.
func (t *Transaction) CompleteTest(browser BrowserBinding, at time.Time, origin request.Origin) (audit.Event, error) {
	if err := t.checkTicket(browser, at); err != nil {
		return audit.Event{}, err
	}
	if t.s.Purpose != TestConnection {
		return audit.Event{}, fmt.Errorf("approval: transaction %s is for %s, not a test", t.s.ID, t.s.Purpose)
	}
	t.s.CompletedAt = at
	return t.event(audit.LoginCompleted, t.s.AcceptedOn, at, origin), nil
}

// checkTicket returns an error unless the transaction's ticket is good for the
// browser.
func (t *Transaction) checkTicket(browser BrowserBinding, at time.Time) error {
	switch {
	case t.s.Ticket.IsZero():
		return ErrTransactionOver
	case !t.s.CompletedAt.IsZero():
		return RefuseAs(ErrFinishedElsewhere, "ticket_spent", "", "")
	case !at.Before(t.s.TicketExpiresAt):
		return RefuseAs(ErrTransactionOver, "ticket_expired", "", "")
	case browser.IsZero() || !t.s.Browser.Equal(browser.Digest()):
		return RefuseAs(ErrOtherBrowser, "browser_mismatch", "the browser that began the sign-in", "another")
	}
	return nil
}

// LoginFailed is the event of a response that was refused, for reason.
func LoginFailed(via, reason, detail string, on connection.Mount, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(audit.LoginFailed, audit.Anonymous, at, origin)
	e.Connection, e.Mount, e.Reason, e.Detail = via, string(on), reason, detail
	return e
}

func (t *Transaction) event(kind audit.Kind, on connection.Mount, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, audit.PersonOf(t.s.Subject), at, origin)
	e.AuthorizationID = t.s.Authorization
	e.Subject, e.Connection, e.Mount = t.s.Subject, t.s.Connection, string(on)
	return e
}
