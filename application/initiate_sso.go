package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// InitiateSSO sends a browser to an identity provider, for one device.
type InitiateSSO struct {
	signIns *SignIns
	codes   *UserCodes
	now     ports.Clock
}

// NewInitiateSSO makes the use case.
func NewInitiateSSO(signIns *SignIns, codes *UserCodes, now ports.Clock) *InitiateSSO {
	return &InitiateSSO{signIns, codes, now}
}

// Execute begins an SSO transaction. It drops what this browser was granted for
// the same code before. While user codes cannot be looked up, because too many
// wrong ones were tried, the sign-in begins without the code, which the person
// types afterwards ([EnterCode]). It returns [quota.ErrExceeded],
// [device.ErrInvalidUserCode], [connection.ErrUnknown], [connection.ErrChoose] if
// the person has to say, [client.ErrUnsupported], [client.ErrSuspended] or
// [client.ErrConnection] because of the device's client, and the refusals of
// [ports.Broker].
func (uc *InitiateSSO) Execute(ctx context.Context, in Initiate) (Initiated, error) {
	a, own, shared, err := uc.codes.find(ctx, in.UserCode, in.Origin, ports.LimiterStep{
		Call: ports.Take, Limit: quota.InitiateSSO, Key: quota.ByAddress(in.Origin.IP),
	})
	var out Initiated
	switch {
	case shared.Exceeded:
		out, err = uc.signIns.send(ctx, in, device.Snapshot{}, func(how approval.Beginning) (*approval.Transaction, approval.SignInRequest, audit.Event, error) {
			t, signIn, started := approval.BeginWithoutCode(how, uc.now(), in.Origin)
			return t, signIn, started, nil
		})
	case err == nil:
		out, err = uc.signIns.send(ctx, in, a.Snapshot(), func(how approval.Beginning) (*approval.Transaction, approval.SignInRequest, audit.Event, error) {
			return approval.Begin(a, how, uc.now(), in.Origin)
		})
	}
	out.Allowance = own
	return out, err
}
