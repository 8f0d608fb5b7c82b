package ports

import "context"

// Edition knows whether sign-in through SSO is licensed.
type Edition interface {
	// SSO reports whether it is. Unknown means no.
	SSO(ctx context.Context) bool
}
