package application

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// DescribeApproval tells a page what there is to decide.
type DescribeApproval struct {
	store   ports.Store
	clients ports.Clients
	csrf    approval.CSRFKeys
	judge   *ApprovalJudge
	life    token.Lifetime
	now     ports.Clock
}

// NewDescribeApproval makes the use case.
func NewDescribeApproval(store ports.Store, clients ports.Clients, csrf approval.CSRFKeys, judge *ApprovalJudge, life token.Lifetime, now ports.Clock) *DescribeApproval {
	return &DescribeApproval{store, clients, csrf, judge, life, now}
}

// Approval is what a person needs to know in order to decide: their own identity
// here, and which device asks, since when and from where.
type Approval struct {
	Subject       identity.Subject
	Connection    string // slug
	UserCode      device.UserCode
	CSRF          approval.CSRF
	ExpiresAt     time.Time // of the grant
	ClientID      string
	ClientName    string
	Client        client.Client // as configured; zero: no longer
	DeviceLabel   string
	RequestedAt   time.Time
	RequestedFrom netip.Addr
	NetworkMatch  device.NetworkMatch
	Scopes        []string      // that the token will have
	TokenLife     time.Duration // of the token
	// BoundTo is the person whom the device named, the only one that may approve;
	// zero: any.
	BoundTo identity.Email
	// Circumstances are what policy judges.
	Circumstances policy.Circumstances
	// MustType says that approving needs [approval.Proof.Typed].
	MustType bool
	// Refusal is what an approval would be refused with, whatever is typed:
	// [device.ErrSubjectMismatch], [policy.ErrReauthenticationRequired],
	// [policy.ErrNetworkNotAllowed] or [policy.ErrApprovalRefused]; nil: nothing.
	Refusal error
	// Replaces is the session that an approval would end; nil if there is none.
	Replaces *Replaced
}

// Replaced is a session that a new one of the same device ends.
type Replaced struct {
	Label      string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
}

// Execute describes the grant for code or, if that is zero, the latest one that
// is for a device. It changes nothing, and returns [approval.ErrNoSession].
func (uc *DescribeApproval) Execute(ctx context.Context, session approval.GrantSession, code device.UserCode, origin request.Origin) (Approval, error) {
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return Approval{}, fmt.Errorf("list clients: %w", err)
	}
	rules, err := uc.judge.rules(ctx)
	if err != nil {
		return Approval{}, err
	}
	var as judged
	var grant *approval.Grant
	var a *device.Authorization
	var replaced *Replaced
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
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
		if err != nil {
			return fmt.Errorf("find authorization: %w", err)
		}
		if as, err = uc.judge.judge(ctx, judgeReaders{r.Tokens(), r.Authorizations(), r.Incidents()}, rules, asked{of: a, grant: grant, origin: origin}); err != nil {
			return err
		}
		replaced, err = uc.replaced(ctx, r, grant.Snapshot().Subject, a)
		return err
	})
	if err != nil {
		return Approval{}, err
	}
	g, d := grant.Snapshot(), a.Snapshot()
	by, _ := clients.Find(d.ClientID)
	refusal := a.CheckSubject(g.Subject)
	if refusal == nil {
		refusal = as.terms.Check(grant)
	}
	scopes, err := as.scopes(a, g.Subject)
	if refusal == nil {
		refusal = err
	}
	return Approval{
		Subject: g.Subject, Connection: g.Connection, UserCode: g.UserCode,
		CSRF: uc.csrf.Token(grant), ExpiresAt: g.ExpiresAt,
		ClientID: d.ClientID, ClientName: clients.Name(d.ClientID), Client: by, DeviceLabel: d.Label,
		RequestedAt: d.RequestedAt, RequestedFrom: d.RequestedFrom, NetworkMatch: as.Network.Match(),
		Scopes: scopes.Names(), TokenLife: time.Duration(as.life(by.TokenLife(uc.life))), BoundTo: d.LoginHint,
		Circumstances: as.Circumstances, MustType: as.terms.MustType(grant), Refusal: refusal, Replaces: replaced,
	}, nil
}

// replaced is the session that a token for a would end.
func (uc *DescribeApproval) replaced(ctx context.Context, r ports.Reader, subject identity.Subject, a *device.Authorization) (*Replaced, error) {
	d := a.Snapshot()
	t, err := r.Tokens().LiveOf(ctx, token.DeviceOf(subject, d.ClientID, d.Label))
	if errors.Is(err, token.ErrUnknown) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the device's token: %w", err)
	}
	if t.Valid(uc.now()) != nil {
		return nil, nil
	}
	s := t.Snapshot()
	return &Replaced{Label: s.Device.Label, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt}, nil
}
