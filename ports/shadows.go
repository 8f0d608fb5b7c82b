package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// ShadowReader finds the changes of connections that are being tried.
type ShadowReader interface {
	// Of returns [connection.ErrNoShadow]. In a transaction the shadow is locked.
	Of(ctx context.Context, slug string) (*connection.Shadow, error)
}

// Shadows keeps them, one for each connection.
type Shadows interface {
	ShadowReader

	// Put writes a shadow, in the place of the one that was there.
	Put(ctx context.Context, s *connection.Shadow, event audit.Event) error
	// Count writes what was compared with a shadow that Of has returned. It changes
	// nothing that an auditor asks for, and names no event.
	Count(ctx context.Context, s *connection.Shadow) error
	// Drop deletes the shadow of a connection. It returns [connection.ErrNoShadow].
	Drop(ctx context.Context, slug string, event audit.Event) error
	// Forget deletes the shadow, if any, of a connection that is removed.
	Forget(ctx context.Context, slug string) error
}

// TrialVerifier judges responses by a connection that is not served.
type TrialVerifier interface {
	// VerifyWith is [Broker.Verify] with the given settings and metadata; where the
	// metadata is zero, with that of the served connection of the same slug. It
	// fetches nothing.
	VerifyWith(ctx context.Context, via connection.Connection, m connection.Metadata, what Response) (approval.VerifiedAssertion, error)
}
