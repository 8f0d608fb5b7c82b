package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
)

// DenyExternal lets the person who has just signed in turn the device away.
type DenyExternal struct{ decisions *Decisions }

// NewDenyExternal makes the use case.
func NewDenyExternal(decisions *Decisions) *DenyExternal { return &DenyExternal{decisions} }

// Execute denies the authorization that has the user code. It refuses as
// [ApproveExternal.Execute] does, but never for frequency.
func (uc *DenyExternal) Execute(ctx context.Context, proof approval.Proof, code device.UserCode, origin request.Origin) (Decided, error) {
	return uc.decisions.deny(ctx, proof, code, origin)
}
