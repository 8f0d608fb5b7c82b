package application

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ListOwnDevices tells a person who has just signed in at this browser on which
// devices they are signed in.
type ListOwnDevices struct {
	store   ports.Store
	clients ports.Clients
	csrf    approval.CSRFKeys
	now     ports.Clock
}

// NewListOwnDevices makes the use case.
func NewListOwnDevices(store ports.Store, clients ports.Clients, csrf approval.CSRFKeys, now ports.Clock) *ListOwnDevices {
	return &ListOwnDevices{store, clients, csrf, now}
}

// OwnDevices are a person's, the newest first.
type OwnDevices struct {
	Subject   identity.Subject
	CSRF      approval.CSRF
	ExpiresAt time.Time // of the sign-in
	Devices   []OwnDevice
	Total     int
}

// OwnDevice is one session of a person.
type OwnDevice struct {
	ID         uid.ID
	Label      string
	ClientName string
	CreatedAt  time.Time
	LastUsedAt time.Time  // zero: never
	From       netip.Addr // where the token was fetched; zero: no longer known
}

// ownDevicesMax is how many are shown at once.
const ownDevicesMax = 100

// Execute returns [approval.ErrNoSession].
func (uc *ListOwnDevices) Execute(ctx context.Context, session approval.GrantSession) (out OwnDevices, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		grants, err := r.Grants().BySession(ctx, session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Latest(uc.now())
		if err != nil {
			return err
		}
		out.Subject, out.CSRF, out.ExpiresAt = grant.Snapshot().Subject, uc.csrf.Token(grant), grant.Snapshot().ExpiresAt
		tokens, total, err := r.Tokens().Sessions(ctx, out.Subject.Email(), out.Subject.Issuer(), uc.now(), 0, ownDevicesMax)
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		out.Total = total
		out.Devices, err = uc.describe(ctx, r, tokens)
		return err
	})
	return out, err
}

func (uc *ListOwnDevices) describe(ctx context.Context, r ports.Reader, tokens []*token.AccessToken) ([]OwnDevice, error) {
	ids := make([]uid.ID, len(tokens))
	for i, t := range tokens {
		ids[i] = t.Snapshot().ID
	}
	redeemed, err := r.Authorizations().RedeemedFor(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("find where tokens went: %w", err)
	}
	from := map[uid.ID]netip.Addr{}
	for _, a := range redeemed {
		from[a.Snapshot().TokenID] = a.Snapshot().RedeemedFrom
	}
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	devices := make([]OwnDevice, len(tokens))
	for i, t := range tokens {
		s := t.Snapshot()
		devices[i] = OwnDevice{
			ID: s.ID, Label: s.Device.Label, ClientName: clients.Name(s.Device.ClientID),
			CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, From: from[s.ID],
		}
	}
	return devices, nil
}
