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
	connections connection.Directory
	accounts    ports.Accounts
	failures    *SignInFailures
	now         ports.Clock
}

// NewCompleteSSO makes the use case.
func NewCompleteSSO(store ports.Store, brokers ports.Brokers, connections connection.Directory, accounts ports.Accounts, failures *SignInFailures, now ports.Clock) *CompleteSSO {
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
	transaction, err := uc.find(ctx, func(ctx context.Context, r ports.Reader) (*approval.Transaction, error) {
		return r.TransactionByTicket(ctx, in.Ticket.Digest())
	})
	if errors.Is(err, approval.ErrUnknownTransaction) {
		return approval.GrantSession{}, approval.RefuseAs(approval.ErrTransactionOver, "unknown_ticket", "", "")
	}
	if err != nil {
		return approval.GrantSession{}, err
	}
	session, err := uc.finish(ctx, transaction, approval.VerifiedAssertion{Subject: transaction.Snapshot().Subject}, connection.Connection{}, in)
	if err != nil {
		return approval.GrantSession{}, uc.failures.recordInTransaction(ctx, transaction, err, in.Mount, in.Origin)
	}
	return session, nil
}

// byAssertion looks for the enterprise connection whose broker signed the
// assertion, and for the trip that this browser began through it.
func (uc *CompleteSSO) byAssertion(ctx context.Context, in Completion) (approval.GrantSession, error) {
	var refusal error = approval.Refuse("no_enterprise_connection", "", "an sso_assertion")
	var through string
	for _, via := range uc.connections.All() {
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
		transaction, err := uc.find(ctx, func(ctx context.Context, r ports.Reader) (*approval.Transaction, error) {
			return r.TransactionByBrowser(ctx, in.Browser.Digest(), assertion.UserCode, []string{via.Slug()})
		})
		if errors.Is(err, approval.ErrUnknownTransaction) {
			refusal = approval.RefuseAs(approval.ErrOtherBrowser, "no_trip_of_this_browser", "", "")
			continue
		}
		if err != nil {
			return approval.GrantSession{}, err
		}
		session, err := uc.finish(ctx, transaction, assertion, via, in)
		if err != nil {
			return approval.GrantSession{}, uc.failures.recordInTransaction(ctx, transaction, err, in.Mount, in.Origin)
		}
		return session, nil
	}
	return approval.GrantSession{}, uc.failures.recordWithoutTransaction(ctx, through, refusal, in.Mount, in.Origin)
}

func (uc *CompleteSSO) find(ctx context.Context, by func(context.Context, ports.Reader) (*approval.Transaction, error)) (transaction *approval.Transaction, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		transaction, err = by(ctx, r)
		return err
	})
	return transaction, err
}

// finish spends the assertion (if the trip still waits for one), the ticket and
// the trip, and moves all grants of this browser under a new handle.
func (uc *CompleteSSO) finish(ctx context.Context, seen *approval.Transaction, assertion approval.VerifiedAssertion, via connection.Connection, in Completion) (approval.GrantSession, error) {
	taken, err := hasAccount(ctx, uc.accounts, assertion.Subject)
	if err != nil {
		return approval.GrantSession{}, err
	}
	session := approval.NewGrantSession()
	var refused error
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := uc.now()
		transaction, err := tx.Transaction(ctx, seen.Snapshot().ID)
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		if !in.GrantSession.IsZero() { // locked before the authorization, as by whoever decides
			if _, err := tx.Grants(ctx, in.GrantSession.Digest()); err != nil {
				return fmt.Errorf("find grants: %w", err)
			}
		}
		if assertion.ID != "" {
			if _, err := transaction.AcceptAssertion(assertion, via, in.Mount, at); err != nil {
				return err
			}
			if err := spendAssertion(ctx, tx, assertion); err != nil {
				return err
			}
		}
		a, err := tx.Authorization(ctx, transaction.Snapshot().Authorization)
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		grant, completed, err := transaction.Complete(a, in.Browser, session, at, in.Origin)
		if err != nil {
			return err
		}
		if err := tx.SaveTransaction(ctx, transaction); err != nil {
			return fmt.Errorf("save transaction: %w", err)
		}
		if taken {
			refused = approval.ErrAccountEmail
			return tx.Record(ctx, a.Reject(assertion.Subject, approval.ErrAccountEmail.Code, at, in.Origin))
		}
		if !in.GrantSession.IsZero() {
			if err := tx.MoveGrants(ctx, in.GrantSession.Digest(), session.Digest()); err != nil {
				return fmt.Errorf("move grants: %w", err)
			}
		}
		return tx.AddGrant(ctx, grant, completed)
	})
	if err := errors.Join(err, refused); err != nil {
		return approval.GrantSession{}, err
	}
	return session, nil
}
