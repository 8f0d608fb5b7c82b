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

// AcceptResponse takes an identity provider's answer at the
// AssertionConsumerService (SAML bindings §3.5). It comes from another site
// and without cookies, so all it earns is a ticket.
type AcceptResponse struct {
	store       ports.Store
	brokers     ports.Brokers
	connections connection.Directory
	failures    *FailedSignIns
	now         ports.Clock
}

// NewAcceptResponse makes the use case.
func NewAcceptResponse(store ports.Store, brokers ports.Brokers, connections connection.Directory, failures *FailedSignIns, now ports.Clock) *AcceptResponse {
	return &AcceptResponse{store, brokers, connections, failures, now}
}

// Arrival is what a browser was made to post.
type Arrival struct {
	Response   string // the SAMLResponse field
	RelayState approval.RelayState
	On         connection.Mount
	By         audit.Request
}

// Execute returns an error that is [approval.ErrInvalidAssertion],
// [approval.ErrDeniedByIdP] or finer for every response that is not accepted.
// A refused one spends nothing: the trip can still be finished by a good one.
func (uc *AcceptResponse) Execute(ctx context.Context, in Arrival) (approval.Ticket, error) {
	var trip *approval.Transaction
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		trip, err = r.TransactionByRelayState(ctx, in.RelayState.Digest())
		return err
	})
	if errors.Is(err, approval.ErrUnknownTransaction) {
		return approval.Ticket{}, approval.RefuseAs(approval.ErrTripOver, "unknown_relay_state", "", "")
	}
	if err != nil {
		return approval.Ticket{}, fmt.Errorf("find transaction: %w", err)
	}
	ticket, err := uc.accept(ctx, trip, in)
	if err != nil {
		return approval.Ticket{}, uc.failures.ofTrip(ctx, trip, err, in.On, in.By)
	}
	return ticket, nil
}

func (uc *AcceptResponse) accept(ctx context.Context, trip *approval.Transaction, in Arrival) (ticket approval.Ticket, err error) {
	if err := trip.AwaitsResponse(uc.now()); err != nil {
		return ticket, err
	}
	via, err := uc.connections.Find(trip.Snapshot().Connection)
	if err != nil {
		return ticket, approval.Refuse("connection_removed", "", trip.Snapshot().Connection)
	}
	broker, served := uc.brokers[via.Settings().Broker]
	if !served || via.Settings().Broker != connection.SAML {
		return ticket, approval.Refuse("wrong_broker", string(via.Settings().Broker), "a SAML response")
	}
	at := uc.now()
	said, err := broker.Verify(ctx, via, ports.Response{
		Raw: in.Response, RequestID: trip.Snapshot().RequestID, On: in.On, At: at,
	})
	if err != nil {
		return ticket, err
	}
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		trip, err := tx.TransactionByRelayState(ctx, in.RelayState.Digest())
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		if ticket, err = trip.Arrive(said, via, in.On, at); err != nil {
			return err
		}
		if err := spend(ctx, tx, said); err != nil {
			return err
		}
		return tx.SaveTransaction(ctx, trip)
	})
	return ticket, err
}

// spend makes an assertion one-time.
func spend(ctx context.Context, tx ports.Tx, said approval.Testimony) error {
	err := tx.SpendAssertion(ctx, said.Subject.Issuer(), said.ID, said.ExpiresAt)
	if errors.Is(err, approval.ErrReplayed) {
		return approval.RefuseAs(err, "replayed", "an assertion that was not accepted before", said.ID)
	}
	return err
}
