package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// CompleteSSO ends a trip in the browser that began it, and grants that browser
// five minutes to decide.
type CompleteSSO struct {
	store       ports.Store
	brokers     ports.Brokers
	connections ports.Connections
	accounts    ports.Accounts
	failures    *SignInFailures
	now         ports.Clock
}

// NewCompleteSSO makes the use case.
func NewCompleteSSO(store ports.Store, brokers ports.Brokers, connections ports.Connections, accounts ports.Accounts, failures *SignInFailures, now ports.Clock) *CompleteSSO {
	return &CompleteSSO{store, brokers, connections, accounts, failures, now}
}

// Completion is what a browser comes back with: a ticket that
// [AcceptResponse] gave, or the assertion of a broker outside.
type Completion struct {
	Ticket       approval.Ticket
	Assertion    string // a JWS; used if there is no ticket
	Mount        connection.Mount
	Browser      approval.BrowserBinding
	GrantSession approval.GrantSession // zero: nothing granted before
	Origin       request.Origin
}

// Execute returns the new handle of all that this browser was granted. It
// returns errors that are [approval.ErrInvalidAssertion] or finer,
// [device.ErrNotPending] and [approval.ErrAccountEmail]; all but the last
// change nothing.
func (uc *CompleteSSO) Execute(ctx context.Context, in Completion) (approval.GrantSession, error) {
	if in.Ticket.IsZero() {
		return uc.byAssertion(ctx, in)
	}
	byTicket := func(ctx context.Context, r ports.TransactionReader) (*approval.Transaction, error) {
		return r.ByTicket(ctx, in.Ticket.Digest())
	}
	transaction, err := uc.find(ctx, byTicket)
	if errors.Is(err, approval.ErrUnknownTransaction) {
		return approval.GrantSession{}, approval.RefuseAs(approval.ErrTransactionOver, "unknown_ticket", "", "")
	}
	if err != nil {
		return approval.GrantSession{}, err
	}
	session, err := uc.finish(ctx, byTicket, approval.VerifiedAssertion{Subject: transaction.Snapshot().Subject}, connection.Connection{}, in)
	if err != nil {
		return approval.GrantSession{}, uc.failures.recordInTransaction(ctx, transaction, err, in.Mount, in.Origin)
	}
	return session, nil
}

// byAssertion looks for the enterprise connection whose broker signed the
// assertion, and for the trip that this browser began through it.
func (uc *CompleteSSO) byAssertion(ctx context.Context, in Completion) (approval.GrantSession, error) {
	connections, err := uc.connections.Connections(ctx)
	if err != nil {
		return approval.GrantSession{}, fmt.Errorf("list connections: %w", err)
	}
	var refusal error = approval.Refuse("no_enterprise_connection", "", "an sso_assertion")
	var through string
	for _, via := range connections.All() {
		broker, served := uc.brokers[connection.Enterprise]
		if via.Settings().Broker != connection.Enterprise || !served {
			continue
		}
		through = via.Slug()
		assertion, err := broker.Verify(ctx, via, ports.Response{Raw: in.Assertion, ReceivedOn: in.Mount, At: uc.now()})
		if err != nil {
			refusal = err
			continue
		}
		byBrowser := func(ctx context.Context, r ports.TransactionReader) (*approval.Transaction, error) {
			return r.ByBrowser(ctx, in.Browser.Digest(), assertion.UserCode, via.Slug())
		}
		transaction, err := uc.find(ctx, byBrowser)
		if errors.Is(err, approval.ErrUnknownTransaction) {
			refusal = approval.RefuseAs(approval.ErrOtherBrowser, "no_trip_of_this_browser", "", "")
			continue
		}
		if err != nil {
			return approval.GrantSession{}, err
		}
		session, err := uc.finish(ctx, byBrowser, assertion, via, in)
		if err != nil {
			return approval.GrantSession{}, uc.failures.recordInTransaction(ctx, transaction, err, in.Mount, in.Origin)
		}
		return session, nil
	}
	return approval.GrantSession{}, uc.failures.recordWithoutTransaction(ctx, through, refusal, in.Mount, in.Origin)
}

// findTransaction finds the transaction that a browser comes back to.
type findTransaction func(context.Context, ports.TransactionReader) (*approval.Transaction, error)

func (uc *CompleteSSO) find(ctx context.Context, by findTransaction) (transaction *approval.Transaction, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		transaction, err = by(ctx, r.Transactions())
		return err
	})
	return transaction, err
}

// finish spends the assertion (if the transaction still waits for one), the
// ticket and the transaction, and moves all grants of this browser into a new
// grant session.
func (uc *CompleteSSO) finish(ctx context.Context, by findTransaction, assertion approval.VerifiedAssertion, via connection.Connection, in Completion) (approval.GrantSession, error) {
	taken, err := hasAccount(ctx, uc.accounts, assertion.Subject)
	if err != nil {
		return approval.GrantSession{}, err
	}
	session := approval.NewGrantSession()
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := uc.now()
		transaction, err := by(ctx, tx.Transactions())
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		if !in.GrantSession.IsZero() { // locked before the authorization, as a decision does
			if _, err := tx.Grants().BySession(ctx, in.GrantSession.Digest()); err != nil {
				return fmt.Errorf("find grants: %w", err)
			}
		}
		if assertion.ID != "" {
			_, accepted, err := transaction.AcceptAssertion(assertion, via, in.Mount, at, in.Origin)
			if err != nil {
				return err
			}
			if err := spendAssertion(ctx, tx, assertion, accepted); err != nil {
				return err
			}
		}
		a, err := tx.Authorizations().ByID(ctx, transaction.Snapshot().Authorization)
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		grant, completed, err := transaction.Complete(a, in.Browser, session, at, in.Origin)
		if err != nil {
			return err
		}
		if taken {
			rejected := a.Reject(assertion.Subject, approval.ErrAccountEmail.Code, at, in.Origin)
			if err := tx.Transactions().Save(ctx, transaction, rejected); err != nil {
				return fmt.Errorf("save transaction: %w", err)
			}
			return ports.CommitWith(approval.ErrAccountEmail)
		}
		if err := tx.Transactions().Save(ctx, transaction, completed); err != nil {
			return fmt.Errorf("save transaction: %w", err)
		}
		if !in.GrantSession.IsZero() {
			if err := tx.Grants().Move(ctx, in.GrantSession.Digest(), session.Digest(), completed); err != nil {
				return fmt.Errorf("move grants: %w", err)
			}
		}
		return tx.Grants().Add(ctx, grant, completed)
	})
	if err != nil {
		return approval.GrantSession{}, err
	}
	return session, nil
}
