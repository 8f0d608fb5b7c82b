package ports

import "context"

// Edition knows whether sign-in through SSO is licensed.
type Edition interface {
	// SSO returns nil if it is, else an error that says why not, for the log:
	// the licence's status, or why the status is unknown. Unknown means no.
	// It answers from what is known already and does not wait for a source
	// that does not answer.
	SSO(ctx context.Context) error
}
