package approval

import (
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/internal/proof"
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

// ErrTypedCodeRequired says that this installation wants the user code typed.
var ErrTypedCodeRequired = fault.New(fault.Forbidden, "typed_code_required",
	"Type the code that your device shows, then approve.")

// Policy is what an installation asks of an approval, at every door.
type Policy struct {
	// RequireTypedCode asks that the person typed the user code. A link that
	// carries the code does not count: it may come from an attacker.
	RequireTypedCode bool
}

// MustType reports whether an approval with g needs the code typed with it.
func (p Policy) MustType(g *Grant) bool { return p.RequireTypedCode && !g.s.CodeTyped }

// check returns [ErrTypedCodeRequired].
func (p Policy) check(g *Grant, typed device.UserCode) error {
	if p.MustType(g) && typed != g.s.UserCode {
		return ErrTypedCodeRequired
	}
	return nil
}
