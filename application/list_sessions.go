package application

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ListSessions tells a person on which devices they are signed in.
type ListSessions struct {
	store   ports.Store
	clients ports.Clients
	csrf    approval.CSRFKeys
	now     ports.Clock
}

// NewListSessions makes the use case.
func NewListSessions(store ports.Store, clients ports.Clients, csrf approval.CSRFKeys, now ports.Clock) *ListSessions {
	return &ListSessions{store, clients, csrf, now}
}

// Owner says whose sessions are meant.
type Owner struct {
	email  identity.Email
	issuer string
	proof  *approval.Proof
}

// OwnerOf is the person that a bearer token acts for.
func OwnerOf(t *token.AccessToken) Owner {
	of := t.Snapshot().Device
	return Owner{email: of.Email, issuer: of.Issuer}
}

// OwnerAt is the person who has just signed in at a browser. Listing needs the
// session of the proof only.
func OwnerAt(proof approval.Proof) Owner { return Owner{proof: &proof} }

// Sessions is one page of a person's sessions, the newest first.
type Sessions struct {
	SignIn   SignIn // of an owner at a browser
	Sessions []Session
	// Waiting are devices that were approved at most minutes ago and have not
	// fetched their token. Only an owner at a browser is told.
	Waiting []WaitingDevice
	Total   int // of the sessions
	More    bool
}

// Session is one token of a person.
type Session struct {
	ID         uid.ID
	Prefix     string
	ClientID   string
	ClientName string
	Label      string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
	ExpiresAt  time.Time
	From       netip.Addr // where the token was fetched; zero: not known, or not asked for
}

// WaitingDevice is a device that was approved and has no token yet.
type WaitingDevice struct {
	ID         uid.ID // of the authorization; [EndSessions] takes it
	ClientName string
	Label      string
	ApprovedAt time.Time
	From       netip.Addr // where it asked; zero: not known
}

// waitingMax is how many devices that wait are shown.
const waitingMax = 100

// Execute lists the sessions of the owner and of no other person. It returns
// [approval.ErrNoSession].
func (uc *ListSessions) Execute(ctx context.Context, owner Owner, page Page) (out Sessions, err error) {
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return Sessions{}, fmt.Errorf("list clients: %w", err)
	}
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		if owner.proof != nil {
			grants, err := r.Grants().BySession(ctx, owner.proof.Session.Digest())
			if err != nil {
				return fmt.Errorf("find grants: %w", err)
			}
			grant, err := grants.Latest(uc.now())
			if err != nil {
				return err
			}
			out.SignIn = describeSignIn(grant, uc.csrf)
			owner.email, owner.issuer = out.SignIn.Subject.Email(), out.SignIn.Subject.Issuer()
		}
		tokens, total, err := r.Tokens().Sessions(ctx, owner.email, owner.issuer, uc.now(), page.offset(), page.limit)
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		out.Sessions, out.Total, out.More = describeSessions(tokens, clients), total, page.offset()+len(tokens) < total
		if owner.proof == nil {
			return nil
		}
		return uc.addDevices(ctx, r, owner, clients, &out)
	})
	if err != nil {
		return Sessions{}, err
	}
	return out, nil
}

func describeSessions(tokens []*token.AccessToken, clients client.Directory) []Session {
	sessions := make([]Session, len(tokens))
	for i, t := range tokens {
		s := t.Snapshot()
		sessions[i] = Session{
			ID: s.ID, Prefix: s.Prefix, ClientID: s.Device.ClientID, ClientName: clients.Name(s.Device.ClientID),
			Label: s.Device.Label, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt,
		}
	}
	return sessions
}

// addDevices adds where tokens were fetched, and the devices that have none yet.
func (uc *ListSessions) addDevices(ctx context.Context, r ports.Reader, owner Owner, clients client.Directory, out *Sessions) error {
	ids := make([]uid.ID, len(out.Sessions))
	for i, s := range out.Sessions {
		ids[i] = s.ID
	}
	redeemed, err := r.Authorizations().RedeemedFor(ctx, ids)
	if err != nil {
		return fmt.Errorf("find where tokens were fetched: %w", err)
	}
	from := map[uid.ID]netip.Addr{}
	for _, a := range redeemed {
		from[a.Snapshot().TokenID] = a.Snapshot().RedeemedFrom
	}
	for i := range out.Sessions {
		out.Sessions[i].From = from[out.Sessions[i].ID]
	}
	approved, err := r.Authorizations().ApprovedBy(ctx, owner.email, owner.issuer, waitingMax)
	if err != nil {
		return fmt.Errorf("find approved devices: %w", err)
	}
	for _, a := range approved {
		if s := a.Snapshot(); a.Redeemable(uc.now()) {
			out.Waiting = append(out.Waiting, WaitingDevice{
				ID: s.ID, ClientName: clients.Name(s.ClientID), Label: s.Label, ApprovedAt: s.DecidedAt, From: s.RequestedFrom,
			})
		}
	}
	return nil
}
