package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/ports"
)

// StartAccountSignIn sends a browser to an identity provider, for a person who
// wants to manage their own devices. No device authorization has to do with it.
type StartAccountSignIn struct {
	signIns *SignIns
	limiter ports.Limiter
	now     ports.Clock
}

// NewStartAccountSignIn makes the use case.
func NewStartAccountSignIn(signIns *SignIns, limiter ports.Limiter, now ports.Clock) *StartAccountSignIn {
	return &StartAccountSignIn{signIns, limiter, now}
}

// Execute begins an SSO transaction. It refuses as [InitiateSSO.Execute] does,
// but for user codes.
func (uc *StartAccountSignIn) Execute(ctx context.Context, in Initiate) (Initiated, error) {
	allowance, err := allow(uc.limiter.Take(ctx, quota.StartAccountSignIn, quota.ByAddress(in.Origin.IP)))
	if err != nil {
		return Initiated{Allowance: allowance}, err
	}
	out, err := uc.signIns.send(ctx, in, device.Snapshot{}, func(how approval.Beginning) (*approval.Transaction, approval.SignInRequest, audit.Event, error) {
		t, signIn, started := approval.BeginManaging(how, uc.now(), in.Origin)
		return t, signIn, started, nil
	})
	out.Allowance = allowance
	return out, err
}
