package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/ports"
)

// RefuseClosedACS refuses a response that an identity provider still sends to the
// ACS of a mount that is switched off, and records which connection it is that
// has to be told.
type RefuseClosedACS struct {
	store    ports.Store
	brokers  ports.Brokers
	failures *SignInFailures
}

// NewRefuseClosedACS makes the use case.
func NewRefuseClosedACS(store ports.Store, brokers ports.Brokers, failures *SignInFailures) *RefuseClosedACS {
	return &RefuseClosedACS{store, brokers, failures}
}

// Execute returns an error that is [approval.ErrInvalidAssertion], and a
// [SignInError] with the connection if the RelayState, or the response itself, names
// one.
func (uc *RefuseClosedACS) Execute(ctx context.Context, in ReceivedResponse) error {
	var transaction *approval.Transaction
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		transaction, err = r.Transactions().ByRelayState(ctx, in.RelayState.Digest())
		return err
	})
	refusal := approval.Refuse("acs_closed", "a response at the canonical ACS", "one at the "+string(in.Mount)+" ACS, which is switched off")
	if errors.Is(err, approval.ErrUnknownTransaction) {
		return uc.failures.recordUnknownResponse(ctx, uc.brokers, in, refusal)
	}
	if err != nil {
		return fmt.Errorf("find transaction: %w", err)
	}
	return uc.failures.recordInTransaction(ctx, transaction, refusal, in.Mount, in.Origin)
}
