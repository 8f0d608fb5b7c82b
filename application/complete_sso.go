package application

import (
	"context"
	"errors"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// CompleteSSO completes a sign-in by the ticket that [AcceptResponse] gave, in the
// browser that began it.
type CompleteSSO struct{ completions *Completions }

// NewCompleteSSO makes the use case.
func NewCompleteSSO(completions *Completions) *CompleteSSO { return &CompleteSSO{completions} }

// Completion describes the browser that comes back.
type Completion struct {
	Mount        connection.Mount
	Browser      approval.BrowserBinding
	GrantSession approval.GrantSession // zero: nothing granted before
	Origin       request.Origin
}

// Completed is what a browser gets: a new session for all that it was granted,
// and what it signed in for.
type Completed struct {
	Session   approval.GrantSession // zero for a test, which grants nothing
	Purpose   approval.Purpose
	NeedsCode bool // the person has yet to type the user code ([EnterCode])
}

// Execute returns errors that are [approval.ErrInvalidAssertion] or finer,
// [device.ErrNotPending] and [approval.ErrAccountEmail]; all but the last
// change nothing.
func (uc *CompleteSSO) Execute(ctx context.Context, ticket approval.Ticket, in Completion) (Completed, error) {
	byTicket := func(ctx context.Context, r ports.TransactionReader) (*approval.Transaction, error) {
		return r.ByTicket(ctx, ticket.Digest())
	}
	transaction, err := uc.completions.find(ctx, byTicket)
	if errors.Is(err, approval.ErrUnknownTransaction) {
		refusal := approval.RefuseAs(approval.ErrTransactionOver, "unknown_ticket", "", "")
		return Completed{}, uc.completions.failures.recordWithoutTransaction(ctx, "", refusal, in.Mount, in.Origin)
	}
	if err != nil {
		return Completed{}, err
	}
	return uc.completions.complete(ctx, transaction, byTicket, nil, in)
}
