package approval

import (
	"fmt"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

const grantTTL = 5 * time.Minute

// Refusals of a decision, in the order in which they are checked.
var (
	// ErrNoSession says that there is nothing to describe.
	ErrNoSession = fault.New(fault.Unauthenticated, "no_session", "You are not signed in here, or no longer. Sign in again.")
	// ErrInvalidSession says that there is nothing to decide with.
	ErrInvalidSession = fault.New(fault.Unauthenticated, "invalid_session", "You are not signed in here, or no longer. Sign in again.")
	// ErrCSRF says that the decision does not come from a page of ours.
	ErrCSRF = fault.New(fault.Forbidden, "csrf_mismatch", "This page is out of date. Reload it, then decide again.")
	// ErrUserCodeMismatch says that the sign-in was for another code.
	ErrUserCodeMismatch = fault.New(fault.Invalid, "user_code_mismatch", "You signed in for another code. Sign in again for this one.")
	// ErrConsumed says that the sign-in has been used for a decision already.
	ErrConsumed = fault.New(fault.Unauthenticated, "session_already_consumed", "You have decided already. To decide about another device, start there.")
	// ErrTooManyDecisions is [quota.ErrExceeded] for a person who decides.
	ErrTooManyDecisions = quota.ErrExceeded.OnPage("too_many_decisions")
	// ErrAccountEmail says that the address belongs to an account of the
	// platform, whose owner signs in there instead.
	ErrAccountEmail = fault.New(fault.Forbidden, "email_belongs_to_dify_account",
		"This e-mail address belongs to an account. Sign in with that account instead.")
)

// Grant is five minutes of proof that one browser signed one subject in for
// one user code.
type Grant struct{ s GrantSnapshot }

// GrantSnapshot is a [Grant] laid flat.
type GrantSnapshot struct {
	ID            uid.ID
	Session       secret.Digest
	Authorization uid.ID
	UserCode      device.UserCode
	Subject       identity.Subject
	Connection    string // slug
	GrantedAt     time.Time
	ExpiresAt     time.Time
	SpentAt       time.Time
}

// RestoreGrant brings a grant back from storage.
func RestoreGrant(s GrantSnapshot) (*Grant, error) {
	if s.ID.IsZero() || s.Session.IsZero() || s.Authorization.IsZero() || s.UserCode.IsZero() || s.Subject.IsZero() ||
		s.Connection == "" || s.GrantedAt.IsZero() || s.ExpiresAt.IsZero() {
		return nil, fmt.Errorf("approval: stored grant %s is in an impossible state", s.ID)
	}
	return &Grant{s}, nil
}

// Snapshot is the grant laid flat.
func (g *Grant) Snapshot() GrantSnapshot { return g.s }

// Live reports whether the grant can still be used for a decision.
func (g *Grant) Live(at time.Time) bool { return g.s.SpentAt.IsZero() && at.Before(g.s.ExpiresAt) }

// Grants are all of one browser.
type Grants []*Grant

// Proof is what a browser presents with a decision.
type Proof struct {
	Session GrantSession
	CSRF    CSRF
}

// NewHandle names a browser's grants anew.
func NewGrantSession() GrantSession { return newGrantSession() }

// unexpired are the grants that still say something, spent or not, the
// youngest first. There is one for each code: a new sign-in replaces the one
// before.
func (gs Grants) unexpired(at time.Time) Grants {
	var out Grants
	for _, g := range gs {
		if at.Before(g.s.ExpiresAt) {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b *Grant) int { return b.s.GrantedAt.Compare(a.s.GrantedAt) })
	seen := map[device.UserCode]bool{}
	return slices.DeleteFunc(out, func(g *Grant) bool {
		replaced := seen[g.s.UserCode]
		seen[g.s.UserCode] = true
		return replaced
	})
}

// Describe picks the live grant for code or, without one, the latest. It
// returns [ErrNoSession].
func (gs Grants) Select(code device.UserCode, at time.Time) (*Grant, error) {
	for _, g := range gs.unexpired(at) {
		if g.Live(at) && (code.IsZero() || g.s.UserCode == code) {
			return g, nil
		}
	}
	return nil, ErrNoSession
}

// Subject is who would decide about code: the person whose tries are counted.
// It returns [ErrInvalidSession] if nobody has signed in.
func (gs Grants) Subject(code device.UserCode, at time.Time) (identity.Subject, error) {
	all := gs.unexpired(at)
	if len(all) == 0 {
		return identity.Subject{}, ErrInvalidSession
	}
	for _, g := range all {
		if g.s.UserCode == code {
			return g.s.Subject, nil
		}
	}
	return all[0].s.Subject, nil
}

// Spend uses up the grant for code. In this order it returns
// [ErrInvalidSession], [ErrCSRF], [ErrUserCodeMismatch] and [ErrConsumed].
func (gs Grants) Spend(csrf CSRF, keys CSRFKeys, code device.UserCode, at time.Time) (*Grant, error) {
	all := gs.unexpired(at)
	if len(all) == 0 {
		return nil, ErrInvalidSession
	}
	if !slices.ContainsFunc(all, func(g *Grant) bool { return keys.matches(g, csrf) }) {
		return nil, ErrCSRF
	}
	i := slices.IndexFunc(all, func(g *Grant) bool { return g.s.UserCode == code })
	if i < 0 {
		return nil, ErrUserCodeMismatch
	}
	if !all[i].Live(at) {
		return nil, ErrConsumed
	}
	all[i].s.SpentAt = at
	return all[i], nil
}

// Regret finds the grant that csrf belongs to and that was spent in the last
// five minutes: for as long as that, its decision may be taken back. It returns
// [ErrInvalidSession] and [ErrCSRF].
func (gs Grants) FindUndoable(csrf CSRF, keys CSRFKeys, at time.Time) (*Grant, error) {
	found := ErrInvalidSession
	for _, g := range gs {
		if g.s.SpentAt.IsZero() || !at.Before(g.s.SpentAt.Add(grantTTL)) {
			continue
		}
		if keys.matches(g, csrf) {
			return g, nil
		}
		found = ErrCSRF
	}
	return nil, found
}

// Prove finds the grant that csrf belongs to, spent or not: who the person at
// this browser is. It returns [ErrInvalidSession] and [ErrCSRF].
func (gs Grants) Authenticate(csrf CSRF, keys CSRFKeys, at time.Time) (*Grant, error) {
	all := gs.unexpired(at)
	if len(all) == 0 {
		return nil, ErrInvalidSession
	}
	for _, g := range all {
		if keys.matches(g, csrf) {
			return g, nil
		}
	}
	return nil, ErrCSRF
}

// Latest is the last sign-in at this browser, spent or not. It returns
// [ErrNoSession].
func (gs Grants) Latest(at time.Time) (*Grant, error) {
	if all := gs.unexpired(at); len(all) > 0 {
		return all[0], nil
	}
	return nil, ErrNoSession
}

// AnyLive reports whether the browser has something left to decide with.
func (gs Grants) AnyLive(at time.Time) bool {
	return slices.ContainsFunc(gs.unexpired(at), func(g *Grant) bool { return g.Live(at) })
}
