package application

import (
	"context"
	"fmt"
	"slices"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// FailSSO records that a broker outside sent a browser back without an assertion.
// It ends no transaction: the message is not signed.
type FailSSO struct {
	store       ports.Store
	failures    *SignInFailures
	brokers     ports.Brokers
	connections ports.Connections
	now         ports.Clock
}

// NewFailSSO makes the use case.
func NewFailSSO(store ports.Store, failures *SignInFailures, brokers ports.Brokers, connections ports.Connections, now ports.Clock) *FailSSO {
	return &FailSSO{store, failures, brokers, connections, now}
}

// ssoErrorMax is how many characters of the broker's sso_error are kept.
const ssoErrorMax = 64

// Execute returns an error that is [approval.ErrDeniedByIdP], as a [SignInError]
// if it is known which sign-in of the browser has failed.
func (uc *FailSSO) Execute(ctx context.Context, word string, in Completion) error {
	slugs, err := uc.enterprise(ctx)
	if err != nil {
		return err
	}
	if runes := []rune(word); len(runes) > ssoErrorMax {
		word = string(runes[:ssoErrorMax])
	}
	if len(slugs) == 0 {
		refusal := approval.RefuseAs(approval.ErrDeniedByIdP, "no_enterprise_connection", "", "an sso_error")
		return uc.failures.recordWithoutTransaction(ctx, "", refusal, in.Mount, in.Origin)
	}
	refusal := approval.RefuseAs(approval.ErrDeniedByIdP, "denied_by_broker", "", word)
	failed, err := uc.failed(ctx, slugs, in)
	if err != nil {
		return err
	}
	if failed != nil {
		return uc.failures.recordInTransaction(ctx, failed, refusal, in.Mount, in.Origin)
	}
	via := ""
	if len(slugs) == 1 {
		via = slugs[0]
	}
	return uc.failures.recordWithoutTransaction(ctx, via, refusal, in.Mount, in.Origin)
}

// enterprise lists the connections through which a broker outside signs people
// in.
func (uc *FailSSO) enterprise(ctx context.Context) (slugs []string, err error) {
	if _, served := uc.brokers[connection.Enterprise]; !served {
		return nil, nil
	}
	connections, err := uc.connections.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	for _, via := range connections.All() {
		if via.Settings().Broker == connection.Enterprise {
			slugs = append(slugs, via.Slug())
		}
	}
	return slugs, nil
}

// failed is the newest transaction of the browser that awaits a response through one
// of the connections; nil if there is none, or if they are for different codes: the
// message does not say which one it is about.
func (uc *FailSSO) failed(ctx context.Context, slugs []string, in Completion) (failed *approval.Transaction, err error) {
	if in.Browser.IsZero() {
		return nil, nil
	}
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		awaited, err := r.Transactions().AwaitedBy(ctx, in.Browser.Digest(), uc.now())
		if err != nil {
			return fmt.Errorf("find transactions: %w", err)
		}
		awaited = slices.DeleteFunc(awaited, func(t *approval.Transaction) bool { return !slices.Contains(slugs, t.Snapshot().Connection) })
		for _, t := range awaited {
			if t.Snapshot().UserCode != awaited[0].Snapshot().UserCode {
				return nil
			}
		}
		if len(awaited) > 0 {
			failed = awaited[0]
		}
		return nil
	})
	return failed, err
}
