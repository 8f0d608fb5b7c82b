package application

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// RecallDevices tells a page which devices of a person are on record, so that it
// can say what is new about a request.
type RecallDevices struct {
	store ports.Store
	now   ports.Clock
}

// NewRecallDevices makes the use case.
func NewRecallDevices(store ports.Store, now ports.Clock) *RecallDevices {
	return &RecallDevices{store, now}
}

// Recalled is what is on record, including tokens that ended and are not deleted yet.
type Recalled struct {
	Any      bool // a device of this person
	OfClient bool // one with this client
	// From is where the live token of the very device was fetched; zero: not known,
	// or there is none.
	From netip.Addr
}

// Execute recalls the devices of a person, with regard to a device that asks.
func (uc *RecallDevices) Execute(ctx context.Context, of identity.Subject, clientID, label string) (out Recalled, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		theirs := token.Filter{Email: of.Email(), Issuer: of.Issuer()}
		if out.Any, err = uc.exists(ctx, r, theirs); err != nil || !out.Any {
			return err
		}
		theirs.ClientID = clientID
		if out.OfClient, err = uc.exists(ctx, r, theirs); err != nil || !out.OfClient {
			return err
		}
		out.From, err = fetchedFrom(ctx, r, token.DeviceOf(of, clientID, label))
		return err
	})
	return out, err
}

func (uc *RecallDevices) exists(ctx context.Context, r ports.Reader, which token.Filter) (bool, error) {
	_, total, err := r.Tokens().Matching(ctx, which, true, uc.now(), 0, 1)
	if err != nil {
		return false, fmt.Errorf("find a person's tokens: %w", err)
	}
	return total > 0, nil
}

// fetchedFrom is where the device's live token was fetched, as far as that is
// still kept.
func fetchedFrom(ctx context.Context, r ports.Reader, of token.Device) (netip.Addr, error) {
	t, err := r.Tokens().LiveOf(ctx, of)
	if errors.Is(err, token.ErrUnknown) {
		return netip.Addr{}, nil
	}
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the device's token: %w", err)
	}
	redeemed, err := r.Authorizations().RedeemedFor(ctx, []uid.ID{t.Snapshot().ID})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find where the token was fetched: %w", err)
	}
	for _, a := range redeemed {
		return a.Snapshot().RedeemedFrom, nil
	}
	return netip.Addr{}, nil
}
