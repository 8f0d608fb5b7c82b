package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// SignInFailures keeps for auditors why a sign-in failed. Responses can come from
// anywhere, so only the first few of a transaction, or of a network, are kept;
// the log has the others.
type SignInFailures struct {
	store   ports.Store
	limiter ports.Limiter
	now     ports.Clock
	keep    KeepRefused
}

// KeepRefused says that refused responses are kept for a day, sealed, so that
// administrators can have them explained.
type KeepRefused bool

// NewSignInFailures makes the part that the use cases of a sign-in share.
func NewSignInFailures(store ports.Store, limiter ports.Limiter, now ports.Clock, keep KeepRefused) *SignInFailures {
	return &SignInFailures{store, limiter, now, keep}
}

// recordInTransaction keeps cause, a refusal in a transaction, and returns it.
func (f *SignInFailures) recordInTransaction(ctx context.Context, transaction *approval.Transaction, cause error, on connection.Mount, origin request.Origin) error {
	return f.recordRefused(ctx, transaction, "", cause, on, origin)
}

// recordRefused is recordInTransaction for a response that was refused.
func (f *SignInFailures) recordRefused(ctx context.Context, transaction *approval.Transaction, response string, cause error, on connection.Mount, origin request.Origin) error {
	s := transaction.Snapshot()
	cause = f.record(ctx, "transaction "+s.ID.String(), s.Authorization, s.Connection, cause, on, origin,
		func(ctx context.Context, tx ports.Tx, failed audit.Event) error {
			if s.Purpose == approval.TestConnection {
				if err := failTest(ctx, tx, transaction, failed); err != nil {
					return err
				}
			}
			if err := f.keepResponse(ctx, tx, s, response, on, failed); err != nil {
				return err
			}
			seen := sighting(transaction, acsmove.Failed, on, failed.At)
			seen.Reason = failed.Reason
			return tx.ACSLedger().Note(ctx, seen, failed)
		})
	refused := &SignInError{Connection: s.Connection, Purpose: s.Purpose, cause: cause}
	if !errors.Is(cause, approval.ErrOtherBrowser) && !s.Authorization.IsZero() { // else no device shows the code
		refused.UserCode = s.UserCode
	}
	return refused
}

// keepResponse keeps a response that belongs to a sign-in of ours, and no other:
// anything can be posted to the callback.
func (f *SignInFailures) keepResponse(ctx context.Context, tx ports.Tx, s approval.TransactionSnapshot, response string, on connection.Mount, failed audit.Event) error {
	kept := explain.Kept{
		Reference: failed.Origin.ID, Connection: s.Connection, Mount: on, RequestID: s.RequestID, RequestedAt: s.BegunAt,
		ReceivedAt: failed.At, Reason: failed.Reason, Response: response,
	}
	if !f.keep || kept.Check() != nil {
		return nil
	}
	return tx.RefusedResponses().Keep(ctx, kept, failed)
}

// failTest keeps the failure with the test that the transaction belongs to. A later
// test, or a response that passed it, leaves nothing to keep.
func failTest(ctx context.Context, tx ports.Tx, transaction *approval.Transaction, failed audit.Event) error {
	move, err := tx.ACSLedger().Move(ctx, transaction.Snapshot().Connection)
	if err != nil {
		return fmt.Errorf("find test: %w", err)
	}
	events, err := move.FailTest(transaction.Snapshot().ID, failed.Reason, failed.Detail, failed.At, failed.Origin)
	if errors.Is(err, acsmove.ErrUnknownTest) {
		return nil
	}
	if err != nil {
		return err
	}
	return saveMove(ctx, tx, move, events)
}

// saveMove keeps a move and the events that came with it.
func saveMove(ctx context.Context, tx ports.Tx, move *acsmove.Move, events []audit.Event) error {
	for _, e := range events[1:] {
		if err := tx.Audit().Record(ctx, e); err != nil {
			return fmt.Errorf("record move: %w", err)
		}
	}
	if err := tx.ACSLedger().SaveMove(ctx, move, events[0]); err != nil {
		return fmt.Errorf("save move: %w", err)
	}
	return nil
}

// recordUnknownResponse keeps refusal, that of a response which belongs to no
// transaction, and returns it. The connection is the one that the response claims
// to come from.
func (f *SignInFailures) recordUnknownResponse(ctx context.Context, brokers ports.Brokers, in ReceivedResponse, refusal *approval.Refusal) error {
	var claim ports.Claim
	if broker, served := brokers[connection.SAML]; served {
		claim = broker.Claim(in.Response)
	}
	if claim.Issuer == "" {
		return f.recordWithoutTransaction(ctx, "", refusal, in.Mount, in.Origin)
	}
	claimed := approval.RefuseAs(refusal.Unwrap(), refusal.Reason, refusal.Expected,
		refusal.Received+"; by its Issuer, which is not verified, from "+claim.Issuer)
	err := f.recordWithoutTransaction(ctx, claim.Connection, claimed, in.Mount, in.Origin)
	if claim.Connection == "" {
		return err
	}
	return &SignInError{Connection: claim.Connection, Unverified: true, cause: err}
}

// recordWithoutTransaction keeps cause, a refusal of what belongs to no
// transaction, and returns it. The slug of the connection may be unknown.
func (f *SignInFailures) recordWithoutTransaction(ctx context.Context, via string, cause error, on connection.Mount, origin request.Origin) error {
	return f.record(ctx, "network "+quota.ByNetwork(origin.IP), uid.ID{}, via, cause, on, origin, nil)
}

// record keeps no outages, which are no refusals, and nothing that is on record
// already. also is called in the transaction that keeps the failure.
func (f *SignInFailures) record(ctx context.Context, counter string, authorization uid.ID, via string, cause error, on connection.Mount, origin request.Origin, also func(context.Context, ports.Tx, audit.Event) error) error {
	refusal, refused := fault.Of(cause)
	if !refused || refusal.Kind == fault.Unavailable || errors.Is(cause, approval.ErrAccountEmail) {
		return cause
	}
	if _, err := allow(f.limiter.Take(ctx, quota.FailedSignIns, counter)); err != nil {
		return cause
	}
	reason, detail := refusal.PageCode(), ""
	var why *approval.Refusal
	if errors.As(cause, &why) {
		reason, detail = why.Reason, why.Detail()
	}
	err := f.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		failed := approval.LoginFailed(via, reason, detail, on, f.now(), origin)
		failed.AuthorizationID = authorization
		if err := tx.Audit().Record(ctx, failed); err != nil || also == nil {
			return err
		}
		return also(ctx, tx, failed)
	})
	if err != nil {
		return errors.Join(cause, fmt.Errorf("record failed sign-in: %w", err))
	}
	return cause
}
