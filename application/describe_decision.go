package application

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// DescribeDecision tells what came of a decision, just after it was made.
type DescribeDecision struct {
	store   ports.Store
	clients ports.Clients
	csrf    approval.CSRFKeys
	life    token.Lifetime
	now     ports.Clock
}

// NewDescribeDecision makes the use case.
func NewDescribeDecision(store ports.Store, clients ports.Clients, csrf approval.CSRFKeys, life token.Lifetime, now ports.Clock) *DescribeDecision {
	return &DescribeDecision{store, clients, csrf, life, now}
}

// Decision is what a person decided about a device.
type Decision struct {
	Subject     identity.Subject
	ClientName  string
	Client      client.Client // as configured; zero: no longer
	DeviceLabel string
	// Fetched says that the device has its token.
	Fetched bool
	// Until is when the device's access ends, if it fetches its token now or has
	// done so; zero: it has no access.
	Until time.Time
}

// Execute describes the decision that the undo token belongs to, for the five
// minutes in which it can be taken back. It changes nothing, and returns
// [approval.ErrInvalidSession] and [device.ErrGone].
func (uc *DescribeDecision) Execute(ctx context.Context, presented approval.UndoToken) (out Decision, err error) {
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return Decision{}, fmt.Errorf("list clients: %w", err)
	}
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		found, err := findUndoable(ctx, r.Grants(), r.Authorizations(), presented, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		d := found.authorization.Snapshot()
		of, _ := clients.Find(d.ClientID)
		out = Decision{Subject: found.proof.Subject(), ClientName: clients.Name(d.ClientID), Client: of, DeviceLabel: d.Label}
		return uc.access(ctx, r, found.authorization, of, &out)
	})
	return out, err
}

// access says whether the device has its token, and until when that is good.
func (uc *DescribeDecision) access(ctx context.Context, r ports.Reader, a *device.Authorization, of client.Client, out *Decision) error {
	if !a.IsRedeemed() {
		if a.Redeemable(uc.now()) {
			out.Until = uc.now().Add(time.Duration(a.TokenLife(of.TokenLife(uc.life))))
		}
		return nil
	}
	t, err := r.Tokens().ByID(ctx, a.Snapshot().TokenID)
	if errors.Is(err, token.ErrUnknown) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	if t.Valid(uc.now()) == nil {
		out.Fetched, out.Until = true, t.Snapshot().ExpiresAt
	}
	return nil
}
