package application

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// DescribeApproval tells a page what there is to decide.
type DescribeApproval struct {
	store   ports.Store
	clients ports.Clients
	csrf    approval.CSRFKeys
	now     ports.Clock
}

// NewDescribeApproval makes the use case.
func NewDescribeApproval(store ports.Store, clients ports.Clients, csrf approval.CSRFKeys, now ports.Clock) *DescribeApproval {
	return &DescribeApproval{store, clients, csrf, now}
}

// Approval is what a person needs to know in order to decide: who they are
// here, and which device asks, since when and from where.
type Approval struct {
	Subject       identity.Subject
	Connection    string // slug
	UserCode      device.UserCode
	CSRF          approval.CSRF
	ExpiresAt     time.Time // of the grant
	ClientID      string
	ClientName    string
	DeviceLabel   string
	RequestedAt   time.Time
	RequestedFrom netip.Addr
	NetworkMatch  device.NetworkMatch
	Visit         bool // there is nothing to decide: the person wants to see their devices
}

// Execute describes the grant for code or, if that is zero, the latest. It
// changes nothing, and returns [approval.ErrNoSession].
func (uc *DescribeApproval) Execute(ctx context.Context, session approval.GrantSession, code device.UserCode, origin request.Origin) (Approval, error) {
	var grant *approval.Grant
	var a *device.Authorization
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		grants, err := r.Grants().BySession(ctx, session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		if grant, err = grants.Select(code, uc.now()); err != nil {
			return err
		}
		a, err = r.Authorizations().ByID(ctx, grant.Snapshot().Authorization)
		if errors.Is(err, device.ErrUnknown) {
			return approval.ErrNoSession
		}
		return err
	})
	if err != nil {
		return Approval{}, err
	}
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return Approval{}, fmt.Errorf("list clients: %w", err)
	}
	g, d := grant.Snapshot(), a.Snapshot()
	return Approval{
		Subject: g.Subject, Connection: g.Connection, UserCode: g.UserCode,
		CSRF: uc.csrf.Token(grant), ExpiresAt: g.ExpiresAt,
		ClientID: d.ClientID, ClientName: clients.Name(d.ClientID), DeviceLabel: d.Label,
		RequestedAt: d.RequestedAt, RequestedFrom: d.RequestedFrom,
		NetworkMatch: a.NetworkMatchFor(origin), Visit: a.IsVisit(),
	}, nil
}
