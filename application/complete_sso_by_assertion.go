package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// CompleteSSOByAssertion completes a sign-in by the assertion of a broker outside
// (a Dify Enterprise inner API), in the browser that began it.
type CompleteSSOByAssertion struct {
	completions *Completions
	brokers     ports.Brokers
	connections ports.Connections
	now         ports.Clock
}

// NewCompleteSSOByAssertion makes the use case.
func NewCompleteSSOByAssertion(completions *Completions, brokers ports.Brokers, connections ports.Connections, now ports.Clock) *CompleteSSOByAssertion {
	return &CompleteSSOByAssertion{completions, brokers, connections, now}
}

// Execute looks for the enterprise connection whose broker signed the assertion,
// a JWS, and for the transaction that this browser began through it. It refuses
// as [CompleteSSO.Execute] does.
func (uc *CompleteSSOByAssertion) Execute(ctx context.Context, assertion string, in Completion) (Completed, error) {
	connections, err := uc.connections.Connections(ctx)
	if err != nil {
		return Completed{}, fmt.Errorf("list connections: %w", err)
	}
	var refusal error = approval.Refuse("no_enterprise_connection", "", "an sso_assertion")
	var through string
	for _, via := range connections.All() {
		broker, served := uc.brokers[connection.Enterprise]
		if via.Settings().Broker != connection.Enterprise || !served {
			continue
		}
		through = via.Slug()
		verified, err := broker.Verify(ctx, via, ports.Response{Raw: assertion, ReceivedOn: in.Mount, At: uc.now()})
		if err != nil {
			refusal = err
			continue
		}
		byBrowser := func(ctx context.Context, r ports.TransactionReader) (*approval.Transaction, error) {
			return r.ByBrowser(ctx, in.Browser.Digest(), verified.UserCode, via.Slug())
		}
		transaction, err := uc.completions.find(ctx, byBrowser)
		if errors.Is(err, approval.ErrUnknownTransaction) {
			refusal = approval.RefuseAs(approval.ErrOtherBrowser, "no_transaction_of_this_browser", "a sign-in that this browser began", "none")
			continue
		}
		if err != nil {
			return Completed{}, err
		}
		return uc.completions.complete(ctx, transaction, byBrowser, &accepted{verified, via}, in)
	}
	return Completed{}, uc.completions.failures.recordWithoutTransaction(ctx, through, refusal, in.Mount, in.Origin)
}
