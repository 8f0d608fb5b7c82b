package saml

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// VerifyWith implements [ports.TrialVerifier].
func (b *Broker) VerifyWith(ctx context.Context, via connection.Connection, m connection.Metadata, what ports.Response) (assertion approval.VerifiedAssertion, err error) {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("saml verification panicked", "connection", via.Slug(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			assertion, err = approval.VerifiedAssertion{}, refuse("internal_error", "", "a panic")
		}
	}()
	from, err := b.metadataFor(via, m)
	if err != nil {
		return approval.VerifiedAssertion{}, refuse("no_metadata", "metadata that can be used", err.Error())
	}
	return b.accept(ctx, new(checks), via, what, from, policy{via.Settings().SAML})
}

func (b *Broker) metadataFor(via connection.Connection, m connection.Metadata) (*idp, error) {
	if m.EntityID != "" {
		from, err := restored(m)
		if err != nil {
			return nil, err
		}
		return from, from.expired(b.now())
	}
	s, ok := b.served.Load().sources[via.Slug()]
	if !ok {
		return nil, connection.ErrUnknown
	}
	return s.current()
}
