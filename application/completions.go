package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/ports"
)

// Completions is what the ways of completing a sign-in share.
type Completions struct {
	store       ports.Store
	accounts    ports.Accounts
	connections ports.Connections
	policies    ports.Policies
	failures    *SignInFailures
	watch       *PhishingWatch
	now         ports.Clock
}

// NewCompletions makes the part that [CompleteSSO] and [CompleteSSOByAssertion]
// share.
func NewCompletions(store ports.Store, accounts ports.Accounts, connections ports.Connections, policies ports.Policies, failures *SignInFailures, watch *PhishingWatch, now ports.Clock) *Completions {
	return &Completions{store, accounts, connections, policies, failures, watch, now}
}

// findTransaction finds the transaction that a browser comes back to.
type findTransaction func(context.Context, ports.TransactionReader) (*approval.Transaction, error)

// accepted is an assertion that a transaction still has to accept, and the
// connection that it came through.
type accepted struct {
	assertion approval.VerifiedAssertion
	via       connection.Connection
}

func (c *Completions) find(ctx context.Context, by findTransaction) (transaction *approval.Transaction, err error) {
	err = c.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		transaction, err = by(ctx, r.Transactions())
		return err
	})
	return transaction, err
}

// complete completes the transaction that was seen, after it has accepted what it
// still has to accept (nil: nothing). Its failure is kept for auditors.
func (c *Completions) complete(ctx context.Context, seen *approval.Transaction, by findTransaction, accept *accepted, in Completion) (Completed, error) {
	out, err := c.finish(ctx, seen, by, accept, in)
	if err != nil {
		return Completed{}, c.failures.recordInTransaction(ctx, seen, err, in.Mount, in.Origin)
	}
	return out, nil
}

// finish completes the transaction, for whatever purpose it was begun.
func (c *Completions) finish(ctx context.Context, seen *approval.Transaction, by findTransaction, accept *accepted, in Completion) (Completed, error) {
	if seen.Snapshot().Purpose == approval.TestConnection {
		return c.finishTest(ctx, by, in)
	}
	return c.grant(ctx, seen, by, accept, in)
}

// finishTest spends the ticket and keeps the outcome of the test. No grant is made.
func (c *Completions) finishTest(ctx context.Context, by findTransaction, in Completion) (Completed, error) {
	all, err := c.connections.Connections(ctx)
	if err != nil {
		return Completed{}, fmt.Errorf("list connections: %w", err)
	}
	err = c.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := c.now()
		transaction, err := by(ctx, tx.Transactions())
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		completed, err := transaction.CompleteTest(in.Browser, at, in.Origin)
		if err != nil {
			return err
		}
		if err := tx.Transactions().Save(ctx, transaction, completed); err != nil {
			return fmt.Errorf("save transaction: %w", err)
		}
		s := transaction.Snapshot()
		via, err := all.Find(s.Connection)
		if err != nil {
			return approval.Refuse("connection_removed", "", s.Connection)
		}
		move, err := tx.ACSLedger().Move(ctx, s.Connection)
		if err != nil {
			return fmt.Errorf("find test: %w", err)
		}
		events, err := move.PassTest(s.ID, via, s.Subject, s.AcceptedOn, at, in.Origin)
		if err != nil {
			return err
		}
		if err := saveMove(ctx, tx, move, events); err != nil {
			return err
		}
		return tx.ACSLedger().Note(ctx, sighting(transaction, acsmove.Succeeded, s.AcceptedOn, at), completed)
	})
	return Completed{Purpose: approval.TestConnection}, err
}

// grant spends the assertion, the ticket and the transaction, and moves all
// grants of this browser into a new grant session.
func (c *Completions) grant(ctx context.Context, seen *approval.Transaction, by findTransaction, accept *accepted, in Completion) (Completed, error) {
	subject := seen.Snapshot().Subject
	if accept != nil {
		subject = accept.assertion.Subject
	}
	taken, err := hasAccount(ctx, c.accounts, subject)
	if err != nil {
		return Completed{}, err
	}
	rules, err := c.policies.Policy(ctx)
	if err != nil {
		return Completed{}, fmt.Errorf("read policy: %w", err)
	}
	out := Completed{Session: approval.NewGrantSession()}
	var observed []watched
	err = c.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := c.now()
		transaction, err := by(ctx, tx.Transactions())
		if err != nil {
			return fmt.Errorf("find transaction: %w", err)
		}
		if !in.GrantSession.IsZero() { // locked before the authorization, as a decision does
			if _, err := tx.Grants().BySession(ctx, in.GrantSession.Digest()); err != nil {
				return fmt.Errorf("find grants: %w", err)
			}
		}
		if accept != nil {
			_, event, err := transaction.AcceptAssertion(accept.assertion, accept.via, in.Mount, at, in.Origin)
			if err != nil {
				return err
			}
			if err := spendAssertion(ctx, tx, accept.assertion, event); err != nil {
				return err
			}
		}
		a, err := authorizationOf(ctx, tx, transaction)
		if err != nil {
			return err
		}
		grant, completed, err := transaction.Complete(a, in.Browser, out.Session, at, in.Origin)
		if err != nil {
			return err
		}
		if grant.Snapshot().Purpose == approval.ApproveDevice {
			grant.Shorten(rules.Limits(clientOf(a), grant.Snapshot().Connection).GrantTTL)
		}
		if taken {
			completed = rejectedSignIn(transaction, a, subject, at, in)
		}
		if err := tx.Transactions().Save(ctx, transaction, completed); err != nil {
			return fmt.Errorf("save transaction: %w", err)
		}
		if taken {
			return ports.CommitWith(approval.ErrAccountEmail)
		}
		out.Purpose, out.NeedsCode = grant.Snapshot().Purpose, grant.NeedsCode()
		if !in.GrantSession.IsZero() {
			if err := tx.Grants().Move(ctx, in.GrantSession.Digest(), out.Session.Digest(), completed); err != nil {
				return fmt.Errorf("move grants: %w", err)
			}
		}
		if err := tx.Grants().Add(ctx, grant, completed); err != nil {
			return fmt.Errorf("add grant: %w", err)
		}
		if a != nil {
			observed, err = c.watch.keepPerson(ctx, tx, incident.Opened, a.Snapshot(), subject, incident.Browser{Session: in.Browser.Digest(), SignedInFrom: grant.Snapshot().SignedInFrom}, completed)
			if err != nil {
				return err
			}
		}
		return tx.ACSLedger().Note(ctx, sighting(transaction, acsmove.Succeeded, transaction.Snapshot().AcceptedOn, at), completed)
	})
	if err != nil {
		return Completed{}, err
	}
	c.watch.assess(ctx, observed...)
	return out, nil
}

// rejectedSignIn is the event of a sign-in whose subject has an account of the
// platform.
func rejectedSignIn(transaction *approval.Transaction, a *device.Authorization, subject identity.Subject, at time.Time, in Completion) audit.Event {
	if a != nil {
		return a.Reject(subject, approval.ErrAccountEmail.Code, at, in.Origin)
	}
	e := approval.LoginFailed(transaction.Snapshot().Connection, approval.ErrAccountEmail.Code, "", in.Mount, at, in.Origin)
	e.Subject, e.Actor = subject, audit.PersonOf(subject)
	return e
}

// clientOf is the client_id of an authorization; empty: it is not known yet.
func clientOf(a *device.Authorization) string {
	if a == nil {
		return ""
	}
	return a.Snapshot().ClientID
}

// authorizationOf is the authorization that a transaction was begun for; nil if
// there is none.
func authorizationOf(ctx context.Context, tx ports.Tx, transaction *approval.Transaction) (*device.Authorization, error) {
	id := transaction.Snapshot().Authorization
	if id.IsZero() {
		return nil, nil
	}
	a, err := tx.Authorizations().ByID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find authorization: %w", err)
	}
	return a, nil
}
