package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/explain"
)

// Explainer shows how the SAML [Broker] judges a response.
type Explainer interface {
	// Explain makes the checks of [Broker.Verify], with the metadata that is known,
	// and records each. It fetches nothing and changes nothing. The error is that of
	// Verify: nil for a response that it would accept.
	Explain(ctx context.Context, via connection.Connection, what Response) (explain.Trace, error)

	// Peek reads what a response says about itself. It returns an
	// [*approval.Refusal] for what is no response.
	Peek(raw string) (explain.Claim, error)

	// Hints are what the product of an identity provider can be recognised by.
	Hints(via connection.Connection) []string
}
