package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// CompleteSSO ends a trip in the browser that began it, and grants that browser
// five minutes to decide.
type CompleteSSO struct {
	store       ports.Store
	brokers     ports.Brokers
	connections connection.Directory
	accounts    ports.Accounts
	failures    *FailedSignIns
	now         ports.Clock
}

// NewCompleteSSO makes the use case.
func NewCompleteSSO(store ports.Store, brokers ports.Brokers, connections connection.Directory, accounts ports.Accounts, failures *FailedSignIns, now ports.Clock) *CompleteSSO {
	return &CompleteSSO{store, brokers, connections, accounts, failures, now}
}

// Completion is what a browser comes back with: a ticket that
// [AcceptResponse] gave, or the assertion of a broker outside.
type Completion struct {
	Ticket    approval.Ticket
	Assertion string // a JWS; used if there is no ticket
	On        connection.Mount
	Browser   approval.Browser
	Handle    approval.Handle // zero: nothing granted before
	By        audit.Request
}

// Execute returns the new handle of all that this browser was granted. It
// returns errors that are [approval.ErrInvalidAssertion] or finer,
// [device.ErrNotPending] and [approval.ErrAccountEmail]; all but the last
// change nothing.
func (uc *CompleteSSO) Execute(ctx context.Context, in Completion) (approval.Handle, error) {
	if in.Ticket.IsZero() {
		return uc.byAssertion(ctx, in)
	}
	trip, err := uc.find(ctx, func(ctx context.Context, r ports.Reader) (*approval.Transaction, error) {
		return r.TransactionByTicket(ctx, in.Ticket.Digest())
	})
	if errors.Is(err, approval.ErrUnknownTransaction) {
		return approval.Handle{}, approval.RefuseAs(approval.ErrTripOver, "unknown_ticket", "", "")
	}
	if err != nil {
		return approval.Handle{}, err
	}
	handle, err := uc.finish(ctx, trip, approval.Testimony{Subject: trip.Snapshot().Subject}, connection.Connection{}, in)
	if err != nil {
		return approval.Handle{}, uc.failures.ofTrip(ctx, trip, err, in.On, in.By)
	}
	return handle, nil
}

// byAssertion looks for the enterprise connection whose broker signed the
// assertion, and for the trip that this browser began through it.
func (uc *CompleteSSO) byAssertion(ctx context.Context, in Completion) (approval.Handle, error) {
	var refusal error = approval.Refuse("no_enterprise_connection", "", "an sso_assertion")
	var through string
	for _, via := range uc.connections.All() {
		broker, served := uc.brokers[connection.Enterprise]
		if via.Settings().Broker != connection.Enterprise || !served {
			continue
		}
		through = via.Slug()
		said, err := broker.Verify(ctx, via, ports.Response{Raw: in.Assertion, On: in.On, At: uc.now()})
		if err != nil {
			refusal = err
			continue
		}
		trip, err := uc.find(ctx, func(ctx context.Context, r ports.Reader) (*approval.Transaction, error) {
			return r.TransactionByBrowser(ctx, in.Browser.Digest(), said.UserCode, []string{via.Slug()})
		})
		if errors.Is(err, approval.ErrUnknownTransaction) {
			refusal = approval.RefuseAs(approval.ErrOtherBrowser, "no_trip_of_this_browser", "", "")
			continue
		}
		if err != nil {
			return approval.Handle{}, err
		}
		handle, err := uc.finish(ctx, trip, said, via, in)
		if err != nil {
			return approval.Handle{}, uc.failures.ofTrip(ctx, trip, err, in.On, in.By)
		}
		return handle, nil
	}
	return approval.Handle{}, uc.failures.ofNoTrip(ctx, through, refusal, in.On, in.By)
}

func (uc *CompleteSSO) find(ctx context.Context, by func(context.Context, ports.Reader) (*approval.Transaction, error)) (trip *approval.Transaction, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		trip, err = by(ctx, r)
		return err
	})
	return trip, err
}

// finish spends the assertion (if the trip still waits for one), the ticket and
// the trip, and moves all grants of this browser under a new handle.
func (uc *CompleteSSO) finish(ctx context.Context, seen *approval.Transaction, said approval.Testimony, via connection.Connection, in Completion) (approval.Handle, error) {
	taken, err := uc.accounts.Has(ctx, said.Subject.Email())
	if err != nil {
		return approval.Handle{}, fmt.Errorf("look for an account: %w", err)
	}
	handle := approval.NewHandle()
	var refused error
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := uc.now()
		trip, err := tx.Transaction(ctx, seen.Snapshot().ID)
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		if !in.Handle.IsZero() { // locked before the authorization, as by whoever decides
			if _, err := tx.Grants(ctx, in.Handle.Digest()); err != nil {
				return fmt.Errorf("find grants: %w", err)
			}
		}
		if said.ID != "" {
			if _, err := trip.Arrive(said, via, in.On, at); err != nil {
				return err
			}
			if err := spend(ctx, tx, said); err != nil {
				return err
			}
		}
		a, err := tx.Authorization(ctx, trip.Snapshot().Authorization)
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		grant, completed, err := trip.Finish(a, in.Browser, handle, at, in.By)
		if err != nil {
			return err
		}
		if err := tx.SaveTransaction(ctx, trip); err != nil {
			return fmt.Errorf("save transaction: %w", err)
		}
		if taken {
			refused = approval.ErrAccountEmail
			return tx.Record(ctx, a.Reject(said.Subject, approval.ErrAccountEmail.Code, at, in.By))
		}
		if !in.Handle.IsZero() {
			if err := tx.MoveGrants(ctx, in.Handle.Digest(), handle.Digest()); err != nil {
				return fmt.Errorf("move grants: %w", err)
			}
		}
		return tx.AddGrant(ctx, grant, completed)
	})
	if err := errors.Join(err, refused); err != nil {
		return approval.Handle{}, err
	}
	return handle, nil
}
