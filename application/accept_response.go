package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// AcceptResponse takes an identity provider's answer at the
// AssertionConsumerService (SAML bindings §3.5). It comes from another site
// and without cookies, so all it earns is a ticket.
type AcceptResponse struct {
	store       ports.Store
	brokers     ports.Brokers
	connections ports.Connections
	failures    *SignInFailures
	shadows     *CompareShadows
	now         ports.Clock
}

// NewAcceptResponse makes the use case.
func NewAcceptResponse(store ports.Store, brokers ports.Brokers, connections ports.Connections, failures *SignInFailures, shadows *CompareShadows, now ports.Clock) *AcceptResponse {
	return &AcceptResponse{store, brokers, connections, failures, shadows, now}
}

// ReceivedResponse is what a browser was made to post.
type ReceivedResponse struct {
	Response   string            // the SAMLResponse field
	Missing    *approval.Refusal // instead of Response, if there is none
	RelayState approval.RelayState
	Mount      connection.Mount
	Origin     request.Origin
}

// Execute returns an error that is [approval.ErrInvalidAssertion],
// [approval.ErrDeniedByIdP] or finer for every response that is not accepted.
// A refused one spends nothing: a good one can still complete the transaction.
func (uc *AcceptResponse) Execute(ctx context.Context, in ReceivedResponse) (approval.Ticket, error) {
	var transaction *approval.Transaction
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		transaction, err = r.Transactions().ByRelayState(ctx, in.RelayState.Digest())
		return err
	})
	if errors.Is(err, approval.ErrUnknownTransaction) && in.Missing != nil {
		return approval.Ticket{}, in.Missing // no sign-in has failed
	}
	if errors.Is(err, approval.ErrUnknownTransaction) {
		return approval.Ticket{}, uc.failures.recordUnknownResponse(ctx, uc.brokers, in, in.RelayState.Unknown())
	}
	if err != nil {
		return approval.Ticket{}, fmt.Errorf("find transaction: %w", err)
	}
	ticket, err := uc.accept(ctx, transaction, in)
	if err != nil {
		return approval.Ticket{}, uc.failures.recordRefused(ctx, transaction, in.Response, err, in.Mount, in.Origin)
	}
	return ticket, nil
}

func (uc *AcceptResponse) accept(ctx context.Context, transaction *approval.Transaction, in ReceivedResponse) (ticket approval.Ticket, err error) {
	if in.Missing != nil {
		return ticket, in.Missing
	}
	if err := transaction.AwaitsResponse(uc.now()); err != nil {
		return ticket, err
	}
	connections, err := uc.connections.Connections(ctx)
	if err != nil {
		return ticket, fmt.Errorf("list connections: %w", err)
	}
	via, err := connections.Find(transaction.Snapshot().Connection)
	if err != nil {
		return ticket, approval.Refuse("connection_removed", "", transaction.Snapshot().Connection)
	}
	broker, served := uc.brokers[via.Settings().Broker]
	if !served || via.Settings().Broker != connection.SAML {
		return ticket, approval.Refuse("wrong_broker", string(via.Settings().Broker), "a SAML response")
	}
	at := uc.now()
	response := ports.Response{
		Raw: in.Response, RequestID: transaction.Snapshot().RequestID, RequestedAt: transaction.Snapshot().BegunAt,
		ReceivedOn: in.Mount, At: at,
	}
	assertion, err := broker.Verify(ctx, via, response)
	uc.shadows.offer(via, response, assertion, err, in.Origin.ID)
	if err != nil {
		return ticket, err
	}
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		transaction, err := tx.Transactions().ByRelayState(ctx, in.RelayState.Digest())
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		var accepted audit.Event
		if ticket, accepted, err = transaction.AcceptAssertion(assertion, via, in.Mount, at, in.Origin); err != nil {
			return err
		}
		if err := spendAssertion(ctx, tx, assertion, accepted); err != nil {
			return err
		}
		return tx.Transactions().Save(ctx, transaction, accepted)
	})
	return ticket, err
}

// replayed is the reason for which an assertion is refused a second time.
const replayed = "replayed"

// spendAssertion makes an assertion one-time.
func spendAssertion(ctx context.Context, tx ports.Tx, assertion approval.VerifiedAssertion, event audit.Event) error {
	err := tx.Transactions().SpendAssertion(ctx, assertion.Subject.Issuer(), assertion.ID, assertion.ExpiresAt, event)
	if errors.Is(err, approval.ErrReplayed) {
		return approval.RefuseAs(err, replayed, "an assertion that was not accepted before", assertion.ID)
	}
	return err
}
