package approval

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/internal/proof"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
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
	// platform: its owner signs in there instead.
	ErrAccountEmail = fault.New(fault.Forbidden, "email_belongs_to_dify_account",
		"This e-mail address belongs to an account. Sign in with that account instead.")
)

// Grant is five minutes of proof that one browser signed one subject in for a
// purpose: to decide about one user code, or to manage their own devices.
type Grant struct{ s GrantSnapshot }

// GrantSnapshot is a [Grant] laid flat.
type GrantSnapshot struct {
	ID            uid.ID
	Session       secret.Digest
	Purpose       Purpose
	Authorization uid.ID          // zero: none, or not known yet
	UserCode      device.UserCode // of the authorization
	CodeTyped     bool            // the person typed it after signing in
	Subject       identity.Subject
	Connection    string     // slug
	SignedInAt    time.Time  // at the identity provider; zero: it did not say
	SignedInFrom  netip.Addr // from where its response came; zero: not known
	GrantedAt     time.Time
	ExpiresAt     time.Time
	SpentAt       time.Time
}

// RestoreGrant brings a grant back from storage.
func RestoreGrant(s GrantSnapshot) (*Grant, error) {
	device := !s.Authorization.IsZero()
	if s.ID.IsZero() || s.Session.IsZero() || s.Subject.IsZero() || s.Connection == "" || s.GrantedAt.IsZero() || s.ExpiresAt.IsZero() ||
		!s.Purpose.makesGrant() || device != !s.UserCode.IsZero() || device && s.Purpose != ApproveDevice || s.CodeTyped && !device {
		return nil, fmt.Errorf("approval: stored grant %s is in an impossible state", s.ID)
	}
	return &Grant{s}, nil
}

// Snapshot is the grant laid flat.
func (g *Grant) Snapshot() GrantSnapshot { return g.s }

// Live reports whether the grant is neither spent nor expired.
func (g *Grant) Live(at time.Time) bool { return g.s.SpentAt.IsZero() && at.Before(g.s.ExpiresAt) }

// Shorten lets the grant expire no later than a life after it was made; 0 changes
// nothing.
func (g *Grant) Shorten(life time.Duration) {
	if until := g.s.GrantedAt.Add(life); life > 0 && until.Before(g.s.ExpiresAt) {
		g.s.ExpiresAt = until
	}
}

// NeedsCode reports whether the person has yet to type the user code of the
// device to decide about.
func (g *Grant) NeedsCode() bool {
	return g.s.Purpose == ApproveDevice && g.s.Authorization.IsZero()
}

// EnterCode makes the grant one for a, whose user code the person has typed. It
// returns [ErrUserCodeMismatch] if the grant is for something else, and
// [device.ErrNotPending].
func (g *Grant) EnterCode(a *device.Authorization, at time.Time, origin request.Origin) (audit.Event, error) {
	if !g.NeedsCode() || !g.Live(at) {
		return audit.Event{}, ErrUserCodeMismatch
	}
	if err := a.CheckPending(at); err != nil {
		return audit.Event{}, err
	}
	d := a.Snapshot()
	g.s.Authorization, g.s.UserCode, g.s.CodeTyped = d.ID, d.UserCode, true
	e := audit.New(audit.UserCodeEntered, audit.PersonOf(g.s.Subject), at, origin)
	e.AuthorizationID, e.ClientID, e.DeviceLabel = d.ID, d.ClientID, d.Label
	e.Subject, e.Connection = g.s.Subject, g.s.Connection
	return e, nil
}

// Undoable returns the proof that the decision for which the grant was spent may
// be taken back: for five minutes, whatever else the browser did since. It
// returns [ErrInvalidSession].
func (g *Grant) Undoable(presented UndoToken, keys CSRFKeys, at time.Time) (Undo, error) {
	if g.s.SpentAt.IsZero() || !at.Before(g.s.SpentAt.Add(grantTTL)) || !keys.mayUndo(g, presented) {
		return Undo{}, ErrInvalidSession
	}
	return proof.NewUndo(g.s.Authorization, g.s.Subject, at), nil
}

// Grants are all of one browser.
type Grants []*Grant

// Proof is what a browser presents with a decision.
type Proof struct {
	Session GrantSession
	CSRF    CSRF
	// Typed is the user code that the person typed with the decision; zero if
	// they typed none.
	Typed device.UserCode
	// NotRequested says, with a denial, that the person did not ask for the device.
	NotRequested bool
}

// NewGrantSession makes a session for a browser's grants.
func NewGrantSession() GrantSession { return newGrantSession() }

// unexpired are the grants that have not expired, spent or not, the youngest
// first. There is one for each purpose and code: a new sign-in replaces the one
// before.
func (gs Grants) unexpired(at time.Time) Grants {
	var out Grants
	for _, g := range gs {
		if at.Before(g.s.ExpiresAt) {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b *Grant) int { return b.s.GrantedAt.Compare(a.s.GrantedAt) })
	type use struct {
		purpose Purpose
		code    device.UserCode
	}
	seen := map[use]bool{}
	return slices.DeleteFunc(out, func(g *Grant) bool {
		u := use{g.s.Purpose, g.s.UserCode}
		replaced := seen[u]
		seen[u] = true
		return replaced
	})
}

// Select picks the live grant for code or, without one, the latest that is for a
// device. It returns [ErrNoSession].
func (gs Grants) Select(code device.UserCode, at time.Time) (*Grant, error) {
	for _, g := range gs.unexpired(at) {
		if g.Live(at) && !g.s.Authorization.IsZero() && (code.IsZero() || g.s.UserCode == code) {
			return g, nil
		}
	}
	return nil, ErrNoSession
}

// Subject is the person who would decide about code. It returns
// [ErrInvalidSession] without a sign-in.
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

// For finds the grant that a decision about code would spend. In this order it
// returns [ErrInvalidSession], [ErrCSRF], [ErrUserCodeMismatch] and [ErrConsumed].
func (gs Grants) For(by Proof, keys CSRFKeys, code device.UserCode, at time.Time) (*Grant, error) {
	all := gs.unexpired(at)
	if len(all) == 0 {
		return nil, ErrInvalidSession
	}
	if !slices.ContainsFunc(all, func(g *Grant) bool { return keys.matches(g, by.CSRF) }) {
		return nil, ErrCSRF
	}
	i := slices.IndexFunc(all, func(g *Grant) bool { return !code.IsZero() && g.s.UserCode == code })
	if i < 0 {
		return nil, ErrUserCodeMismatch
	}
	if g := all[i]; g.Live(at) {
		return g, nil
	}
	return nil, ErrConsumed
}

// Spend uses up the grant for code, and returns it with the proof that the
// authorization asks for. It returns the refusals of [Grants.For] and, for an
// approval, those of [Terms.Check] and then [policy.ErrTypedCodeRequired].
func (gs Grants) Spend(verdict Verdict, by Proof, keys CSRFKeys, terms Terms, code device.UserCode, at time.Time) (*Grant, Decision, error) {
	g, err := gs.For(by, keys, code, at)
	if err != nil {
		return nil, Decision{}, err
	}
	if verdict == Approve {
		if err := terms.check(g, by.Typed); err != nil {
			return nil, Decision{}, err
		}
	}
	g.s.SpentAt = at
	return g, proof.NewDecision(verdict, g.s.Authorization, g.s.Subject, g.s.Connection, at), nil
}

// Authenticate finds the grant that csrf belongs to, spent or not: its subject is
// the person at this browser. It returns [ErrInvalidSession] and [ErrCSRF].
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

// AnyLive reports whether a grant is left that can decide about a device.
func (gs Grants) AnyLive(at time.Time) bool {
	return slices.ContainsFunc(gs.unexpired(at), func(g *Grant) bool { return g.Live(at) && g.s.Purpose == ApproveDevice })
}
