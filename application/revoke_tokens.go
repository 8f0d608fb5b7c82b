package application

import (
	"context"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// RevokeTokens ends, for an administrator, all tokens that a filter matches.
type RevokeTokens struct {
	store    ports.Store
	throttle ports.PollThrottle
	now      ports.Clock
}

// NewRevokeTokens makes the use case.
func NewRevokeTokens(store ports.Store, throttle ports.PollThrottle, now ports.Clock) *RevokeTokens {
	return &RevokeTokens{store, throttle, now}
}

// Revocation says which tokens an administrator wants to end.
type Revocation struct {
	Filter token.Filter
	All    bool // every token: there is no filter
	DryRun bool // count only
}

// Revoked is what a [Revocation] does or, as a dry run, would do.
type Revoked struct {
	Tokens int
	// Devices were approved and had not got their token; they are turned away.
	Devices int
}

// Execute ends the tokens in one transaction, with one event for all of them
// and one for each device that is turned away. It may take [ports.BulkTime], and
// returns [token.ErrEmptyFilter] and [token.ErrFilterAndAll].
func (uc *RevokeTokens) Execute(ctx context.Context, wanted Revocation, by audit.Actor, origin request.Origin) (Revoked, error) {
	if err := wanted.Filter.CheckExplicit(wanted.All); err != nil {
		return Revoked{}, err
	}
	ctx = ports.WithBulkTime(ctx)
	if wanted.DryRun {
		return uc.count(ctx, wanted.Filter)
	}
	out := revoking{filter: wanted.Filter, at: uc.now(), by: by, origin: origin}
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if err := out.turnAway(ctx, tx); err != nil { // authorizations are locked before tokens
			return err
		}
		digests, err := tx.Tokens().RevokeMatching(ctx, out.filter, out.at, out.event)
		if err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		out.digests = digests
		return nil
	})
	if err != nil {
		return Revoked{}, err
	}
	for _, code := range out.codes {
		_ = uc.throttle.Invalidate(ctx, code) // a hint; the device finds out without it
	}
	return Revoked{len(out.digests), len(out.codes)}, nil
}

func (uc *RevokeTokens) count(ctx context.Context, filter token.Filter) (out Revoked, err error) {
	at := uc.now()
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		if _, out.Tokens, err = r.Tokens().Matching(ctx, filter, false, at, 0, 1); err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		if !filter.MatchesIssueAt(at) {
			return nil
		}
		unfetched, err := r.Authorizations().Unfetched(ctx, filter, endAtOnce)
		if err != nil {
			return fmt.Errorf("count approved devices: %w", err)
		}
		for _, a := range unfetched {
			if a.Fetchable(at) {
				out.Devices++
			}
		}
		return nil
	})
	return out, err
}

// revoking is the work of one Execute.
type revoking struct {
	filter  token.Filter
	at      time.Time
	by      audit.Actor
	origin  request.Origin
	codes   []secret.Digest // of the devices that were turned away
	digests []secret.Digest // of the tokens
}

// turnAway takes back the approvals that would lead to a token which the filter
// matches.
func (w *revoking) turnAway(ctx context.Context, tx ports.Tx) error {
	if !w.filter.MatchesIssueAt(w.at) {
		return nil
	}
	unfetched, err := tx.Authorizations().Unfetched(ctx, w.filter, endAtOnce)
	if err != nil {
		return fmt.Errorf("find approved devices: %w", err)
	}
	for _, a := range unfetched {
		if !a.Fetchable(w.at) {
			continue
		}
		cancelled, _, err := a.Cancel(w.by, w.at, w.origin)
		if err != nil {
			return fmt.Errorf("turn a device away: %w", err)
		}
		if err := tx.Authorizations().Save(ctx, a, cancelled); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		w.codes = append(w.codes, a.Snapshot().Code)
	}
	return nil
}

// event records what was done. Where the filter names a person, a client, a
// connection or a label, so do the event's own fields.
func (w *revoking) event(revoked int) audit.Event {
	e := audit.New(audit.TokensRevoked, w.by, w.at, w.origin)
	e.ClientID, e.Connection, e.DeviceLabel = w.filter.ClientID, w.filter.Connection, w.filter.Label
	if subject, err := identity.NewSubject(w.filter.Email, w.filter.Issuer, ""); err == nil {
		e.Subject = subject
	}
	e.Reason, e.Detail = "by_admin", fmt.Sprintf("filter: %s; tokens: %d", w.filter, revoked)
	return e
}
