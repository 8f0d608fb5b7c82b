package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// FailSSO records that a broker outside sent a browser back without an assertion.
// It ends no transaction: the message is not signed.
type FailSSO struct {
	failures    *SignInFailures
	brokers     ports.Brokers
	connections ports.Connections
}

// NewFailSSO makes the use case.
func NewFailSSO(failures *SignInFailures, brokers ports.Brokers, connections ports.Connections) *FailSSO {
	return &FailSSO{failures, brokers, connections}
}

// ssoErrorMax bounds what is kept of the broker's word.
const ssoErrorMax = 64

// Execute returns [approval.ErrDeniedByIdP]. The connection is on record if only
// one can have sent the browser.
func (uc *FailSSO) Execute(ctx context.Context, word string, in Completion) error {
	connections, err := uc.connections.Connections(ctx)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	var slugs []string
	for _, via := range connections.All() {
		if _, served := uc.brokers[connection.Enterprise]; served && via.Settings().Broker == connection.Enterprise {
			slugs = append(slugs, via.Slug())
		}
	}
	via := ""
	if len(slugs) == 1 {
		via = slugs[0]
	}
	if runes := []rune(word); len(runes) > ssoErrorMax {
		word = string(runes[:ssoErrorMax])
	}
	refusal := approval.RefuseAs(approval.ErrDeniedByIdP, "denied_by_broker", "", word)
	return uc.failures.recordWithoutTransaction(ctx, via, refusal, in.Mount, in.Origin)
}
