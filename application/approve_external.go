package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
)

// ApproveExternal lets the person who has just signed in at their identity
// provider approve the device they signed in for.
type ApproveExternal struct{ decisions *Decisions }

// NewApproveExternal makes the use case.
func NewApproveExternal(decisions *Decisions) *ApproveExternal { return &ApproveExternal{decisions} }

// Execute approves the authorization that has the user code. It returns, in the order in
// which they are checked: [approval.ErrInvalidSession], [quota.ErrExceeded],
// [approval.ErrCSRF], [approval.ErrUserCodeMismatch], [approval.ErrConsumed],
// [device.ErrGone] or [device.ErrNotPending], [approval.ErrAccountEmail].
func (uc *ApproveExternal) Execute(ctx context.Context, proof approval.Proof, code device.UserCode, origin request.Origin) (Decided, error) {
	return uc.decisions.approve(ctx, proof, code, origin)
}
