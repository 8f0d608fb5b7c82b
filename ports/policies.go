package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/policy"
)

// Policies knows what this installation asks of approvals. It can change while the
// service runs.
type Policies interface {
	// Policy returns the policy in one state that does not change. It is asked anew
	// for each request.
	Policy(ctx context.Context) (policy.Policy, error)
}
