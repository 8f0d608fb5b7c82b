package application

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/policy"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ApprovalJudge finds out under which circumstances a person would approve a
// device, and what policy makes of them.
type ApprovalJudge struct {
	policies ports.Policies
	holds    *HoldChecks
	now      ports.Clock
}

// NewApprovalJudge makes the part that [Decisions] and [DescribeApproval] share.
func NewApprovalJudge(policies ports.Policies, holds *HoldChecks, now ports.Clock) *ApprovalJudge {
	return &ApprovalJudge{policies, holds, now}
}

// asked is an approval that is judged.
type asked struct {
	of     *device.Authorization
	grant  *approval.Grant
	typed  bool // the person typed the user code with the decision
	origin request.Origin
}

// judgeReaders are the parts of a store that a judgement reads: of a [ports.Reader]
// or of a [ports.Tx].
type judgeReaders struct {
	tokens         ports.TokenReader
	authorizations ports.AuthorizationReader
	incidents      ports.IncidentReader
}

// judged is what policy makes of an approval.
type judged struct {
	policy.Circumstances
	decision policy.Decision
	terms    approval.Terms
	limits   policy.Limits
}

// judge reads what the policy asks for, and nothing else.
func (j *ApprovalJudge) judge(ctx context.Context, r judgeReaders, p rules, in asked) (judged, error) {
	d, g := in.of.Snapshot(), in.grant.Snapshot()
	c := policy.Circumstances{
		Client: d.ClientID, Connection: g.Connection, LoginHint: d.LoginHint,
		Network: networkOf(in.of, g, in.origin), Device: d.RequestedFrom, Browser: in.origin.CertainAddress(),
		Typed: in.typed || g.CodeTyped,
	}
	if in.origin.BehindUnknownProxy { // so may the device have been, and its address the proxy's
		c.Device = netip.Addr{}
	}
	if p.AsksHistory() {
		if err := j.addHistory(ctx, r, in, &c); err != nil {
			return judged{}, err
		}
	}
	suspected, err := j.holds.Suspected(ctx, r.incidents, r.tokens, p.held, d, g.Subject, in.origin, g.SignedInFrom)
	if err != nil {
		return judged{}, err
	}
	c.Suspected = suspected
	decision := p.Resolve(c)
	return judged{c, decision, approval.TermsOf(decision, in.of), p.Limits(c.Client, c.Connection)}, nil
}

// networkOf compares the device's network with those of the browser that decides
// and of the browser that came back from the identity provider: they differ where
// an attacker's page relays a sign-in. One that a proxy hides cannot be compared.
func networkOf(of *device.Authorization, g approval.GrantSnapshot, origin request.Origin) policy.Network {
	now, signedIn := of.NetworkMatchFor(origin), of.NetworkMatchFor(request.Origin{IP: g.SignedInFrom})
	return policy.NetworkOf(now).Farther(policy.NetworkOf(signedIn))
}

// addHistory reads whether the person has connected the client and label before,
// and from where.
func (j *ApprovalJudge) addHistory(ctx context.Context, r judgeReaders, in asked, c *policy.Circumstances) error {
	d, subject, at := in.of.Snapshot(), in.grant.Snapshot().Subject, j.now()
	tokens, total, err := r.tokens.Matching(ctx, sameDevice(d, subject), true, at, 0, 1)
	if err != nil {
		return fmt.Errorf("find the person's tokens: %w", err)
	}
	c.NewDevice = total == 0
	if total == 0 || tokens[0].Valid(at) != nil {
		return nil
	}
	before, err := r.authorizations.RedeemedFor(ctx, []uid.ID{tokens[0].Snapshot().ID})
	if err != nil {
		return fmt.Errorf("find where the device was connected: %w", err)
	}
	for _, one := range before {
		c.KnownNetwork = c.KnownNetwork || c.Device.IsValid() && in.of.StartedBeside(one)
	}
	return nil
}

// scopes are those that policy leaves a token of the authorization.
func (j judged) scopes(a *device.Authorization, subject identity.Subject) (scope.Set, error) {
	asked := a.Snapshot().Scopes
	if asked.IsZero() { // begun before scopes were kept
		asked = token.ScopesOf(subject.Type())
	}
	return j.limits.Scopes(j.Network, asked)
}

// life is how long a token lives that would live for otherwise.
func (j judged) life(otherwise token.Lifetime) token.Lifetime {
	return j.limits.TokenLife(j.Network, otherwise)
}

// rules are what this installation asks of approvals, and which sources are held.
type rules struct {
	policy.Policy
	held incident.Holds
}

// rules are those of now. They are asked for before a transaction begins.
func (j *ApprovalJudge) rules(ctx context.Context) (out rules, err error) {
	if out.Policy, err = j.policies.Policy(ctx); err != nil {
		return out, fmt.Errorf("read policy: %w", err)
	}
	out.held, err = j.holds.Held(ctx)
	return out, err
}

// refusedByPolicy is the event of an approval that policy refuses for good, or that
// another person tried; false for a refusal that asks for one more step.
func refusedByPolicy(err error, a *device.Authorization, subject identity.Subject, by policy.Rule, at time.Time, origin request.Origin) (audit.Event, bool) {
	refusal, expected := fault.Of(err)
	if !expected || !errors.Is(err, policy.ErrNetworkNotAllowed) && !errors.Is(err, policy.ErrApprovalRefused) && !errors.Is(err, device.ErrSubjectMismatch) {
		return audit.Event{}, false
	}
	rejected := a.Reject(subject, refusal.Code, at, origin)
	rejected.Detail = by.Name
	return rejected, true
}
