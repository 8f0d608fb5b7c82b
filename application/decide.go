package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// Decisions is what approving and denying share: all checks, in the order of
// the wire contract (§3).
type Decisions struct {
	store    ports.Store
	throttle ports.PollThrottle
	limiter  ports.Limiter
	accounts ports.Accounts
	clients  ports.Clients
	csrf     approval.CSRFKeys
	judge    *ApprovalJudge
	watch    *PhishingWatch
	life     token.Lifetime
	now      ports.Clock
}

// NewDecisions makes the part that both use cases share.
func NewDecisions(store ports.Store, throttle ports.PollThrottle, limiter ports.Limiter, accounts ports.Accounts, clients ports.Clients, csrf approval.CSRFKeys, judge *ApprovalJudge, watch *PhishingWatch, life token.Lifetime, now ports.Clock) *Decisions {
	return &Decisions{store, throttle, limiter, accounts, clients, csrf, judge, watch, life, now}
}

// Decided tells what is left after a decision.
type Decided struct {
	// Allowance is what is left of [quota.Approve]; zero for a denial, which has
	// no limit.
	Allowance quota.Allowance
	// MoreToDecide says that this browser holds other grants: its cookie stays.
	MoreToDecide bool
	// Undo takes an approval back ([UndoApproval]).
	Undo approval.UndoToken
}

// approve applies an approval within the limit of approvals. An attempt counts
// unless it fails on our side, which is no fault of the person.
func (ds *Decisions) approve(ctx context.Context, by approval.Proof, code device.UserCode, origin request.Origin) (Decided, error) {
	subject, err := ds.subject(ctx, by.Session, code)
	if err != nil {
		return Decided{}, err
	}
	if left, err := allow(ds.limiter.Peek(ctx, quota.Approve, byPerson(subject))); err != nil {
		return Decided{Allowance: left}, approval.ErrTooManyDecisions
	}
	out, err := ds.apply(ctx, approval.Approve, subject, by, code, origin)
	if refusal, expected := fault.Of(err); err == nil || expected && refusal.Kind != fault.Unavailable {
		out.Allowance, _ = allow(ds.limiter.Take(ctx, quota.Approve, byPerson(subject)))
	}
	return out, err
}

func (ds *Decisions) deny(ctx context.Context, by approval.Proof, code device.UserCode, origin request.Origin) (Decided, error) {
	subject, err := ds.subject(ctx, by.Session, code)
	if err != nil {
		return Decided{}, err
	}
	return ds.apply(ctx, approval.Deny, subject, by, code, origin)
}

// apply spends the grant and moves the authorization, together or not at all.
func (ds *Decisions) apply(ctx context.Context, verdict approval.Verdict, subject identity.Subject, by approval.Proof, code device.UserCode, origin request.Origin) (out Decided, err error) {
	taken, err := hasAccount(ctx, ds.accounts, subject)
	if err != nil {
		return out, err
	}
	clients, err := ds.clients.Clients(ctx)
	if err != nil {
		return out, fmt.Errorf("list clients: %w", err)
	}
	rules, err := ds.judge.rules(ctx)
	if err != nil {
		return out, err
	}
	var a *device.Authorization
	var observed []watched
	err = ds.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := ds.now()
		grants, err := tx.Grants().BySession(ctx, by.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.For(by, ds.csrf, code, at)
		if err != nil {
			return err
		}
		if a, err = findAuthorization(ctx, tx.Authorizations(), grant.Snapshot().Authorization); err != nil {
			return err
		}
		if err := a.CheckPending(at); err != nil {
			return err
		}
		if taken {
			rejected := a.Reject(grant.Snapshot().Subject, approval.ErrAccountEmail.Code, at, origin)
			if err := tx.Audit().Record(ctx, rejected); err != nil {
				return fmt.Errorf("record refusal: %w", err)
			}
			return ports.CommitWith(approval.ErrAccountEmail)
		}
		subject := grant.Snapshot().Subject
		var as judged
		if verdict == approval.Approve {
			as, err = ds.judge.judge(ctx, judgeReaders{tx.Tokens(), tx.Authorizations(), tx.Incidents()}, rules, asked{a, grant, by.Typed == code, origin})
		}
		if err != nil {
			return err
		}
		decided, err := ds.decide(grants, verdict, by, a, as, clients, subject, origin)
		if rejected, kept := refusedByPolicy(err, a, subject, as.decision.Rule, at, origin); kept {
			if failed := tx.Audit().Record(ctx, rejected); failed != nil {
				return fmt.Errorf("record refusal: %w", failed)
			}
			return ports.CommitWith(err)
		}
		if err != nil {
			return err
		}
		out.MoreToDecide, out.Undo = grants.AnyLive(at), ds.csrf.UndoToken(grant)
		if err := tx.Grants().Save(ctx, grant, decided); err != nil {
			return fmt.Errorf("save grant: %w", err)
		}
		if err := tx.Authorizations().Save(ctx, a, decided); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		observed, err = ds.watch.keepDecision(ctx, tx, a.Snapshot(), grant.Snapshot().GrantedAt, browserOf(grant), decided)
		return err
	})
	if err != nil {
		return Decided{}, err
	}
	ds.watch.assess(ctx, observed...)
	_ = ds.throttle.Invalidate(ctx, a.Snapshot().Code) // a hint; the device finds out without it
	return out, nil
}

// findAuthorization returns [device.ErrGone] if it was deleted after the sign-in.
func findAuthorization(ctx context.Context, authorizations ports.AuthorizationReader, id uid.ID) (*device.Authorization, error) {
	a, err := authorizations.ByID(ctx, id)
	if errors.Is(err, device.ErrUnknown) {
		return nil, device.ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("find authorization: %w", err)
	}
	return a, nil
}

// decide spends the grant and moves the authorization, unless policy refuses. The
// wrong person is not asked for one more step.
func (ds *Decisions) decide(grants approval.Grants, verdict approval.Verdict, by approval.Proof, a *device.Authorization, as judged, clients client.Directory, subject identity.Subject, origin request.Origin) (audit.Event, error) {
	if verdict == approval.Approve {
		if err := a.CheckSubject(subject); err != nil {
			return audit.Event{}, err
		}
	}
	grant, decision, err := grants.Spend(verdict, by, ds.csrf, as.terms, a.Snapshot().UserCode, ds.now())
	if err != nil {
		return audit.Event{}, err
	}
	return ds.move(a, decision, by, clients, as, grant.Snapshot().Connection, origin)
}

// move approves only for a client that gets tokens here, and for people of its
// connections. Either can have changed since the person began to sign in.
func (ds *Decisions) move(a *device.Authorization, by approval.Decision, with approval.Proof, clients client.Directory, as judged, via string, origin request.Origin) (audit.Event, error) {
	if by.Verdict() != approval.Approve {
		reason := ""
		if with.NotRequested {
			reason = device.NotRequested
		}
		return a.Deny(by, reason, origin)
	}
	of, err := clients.Usable(a.Snapshot().ClientID)
	if err == nil {
		err = of.CheckConnection(via)
	}
	if err != nil {
		return audit.Event{}, err
	}
	scopes, err := as.scopes(a, by.Subject())
	if err != nil {
		return audit.Event{}, err
	}
	a.Narrow(scopes)
	return a.Approve(by, as.life(of.TokenLife(ds.life)), origin)
}

func (ds *Decisions) subject(ctx context.Context, session approval.GrantSession, code device.UserCode) (subject identity.Subject, err error) {
	err = ds.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		grants, err := r.Grants().BySession(ctx, session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		subject, err = grants.Subject(code, ds.now())
		return err
	})
	return subject, err
}
