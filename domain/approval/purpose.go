package approval

import (
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/internal/proof"
	"github.com/devicegate/devicegate/domain/policy"
)

// Purpose is what a person signs in for.
type Purpose string

// The purposes.
const (
	// ApproveDevice is to decide about a device. The authorization may become
	// known only after the sign-in, when the person types its user code.
	ApproveDevice Purpose = "approve_device"
	// ManageDevices is to see and end one's own sessions. There is no
	// authorization, and nothing to decide.
	ManageDevices Purpose = "manage_devices"
	// TestConnection is to try a connection out. There is no authorization, and no
	// grant is made.
	TestConnection Purpose = "test_connection"
)

func (p Purpose) makesGrant() bool { return p == ApproveDevice || p == ManageDevices }

// Verdict is what a person decides about a device.
type Verdict = proof.Verdict

// The verdicts.
const (
	Approve = proof.Approve
	Deny    = proof.Deny
)

// Decision is the proof that [Grants.Spend] returns, and that
// [device.Authorization] asks for.
type Decision = proof.Decision

// Undo is the proof that [Grant.Undoable] returns.
type Undo = proof.Undo

// Terms are what policy asks of one approval. The zero Terms ask nothing.
type Terms struct {
	Policy policy.Decision
	// FreshSince is the earliest sign-in that counts as a new one.
	FreshSince time.Time
}

// TermsOf are those of an approval of a, which policy has judged. A new sign-in is
// one after the device's start, to the second: identity providers say no more.
func TermsOf(judged policy.Decision, a *device.Authorization) Terms {
	return Terms{judged, a.Snapshot().RequestedAt.Truncate(time.Second)}
}

// MustType reports whether an approval with g needs the code typed with it.
func (t Terms) MustType(g *Grant) bool { return t.Policy.MustType() && !g.s.CodeTyped }

// mustSignIn reports whether the person has to sign in anew. It is true where the
// identity provider does not say when the person signed in.
func (t Terms) mustSignIn(g *Grant) bool {
	return t.Policy.MustReauthenticate() && g.s.SignedInAt.Before(t.FreshSince)
}

// Check returns what stands against an approval with g, whatever is typed:
// [policy.ErrNetworkNotAllowed], [policy.ErrApprovalRefused] or
// [policy.ErrReauthenticationRequired].
func (t Terms) Check(g *Grant) error {
	if err := t.Policy.Refused(); err != nil {
		return err
	}
	if t.mustSignIn(g) {
		return policy.ErrReauthenticationRequired
	}
	return nil
}

// check also returns [policy.ErrTypedCodeRequired].
func (t Terms) check(g *Grant, typed device.UserCode) error {
	if err := t.Check(g); err != nil {
		return err
	}
	if t.MustType(g) && typed != g.s.UserCode {
		return policy.ErrTypedCodeRequired
	}
	return nil
}
