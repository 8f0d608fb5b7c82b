package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
)

// Connections knows the identity providers that people may come from. They can
// change while the service runs.
type Connections interface {
	// Connections returns all of them in one state that does not change. It is
	// asked anew for each request.
	Connections(ctx context.Context) (connection.Directory, error)
}

// ConnectionReader finds the connections that administrators keep in the store.
type ConnectionReader interface {
	// All are all of them, by slug. Beside them it returns an [*UnreadableError] if
	// there are others that cannot be read. In a transaction the set is locked: another
	// one that reads or writes it waits.
	All(ctx context.Context) ([]*connection.Stored, error)
}

// StoredConnections keeps connections. Every write announces
// [TopicConnections].
type StoredConnections interface {
	ConnectionReader

	// Add returns [connection.ErrSlugTaken] if there is one of that slug.
	Add(ctx context.Context, c *connection.Stored, event audit.Event) error

	// Save writes a connection that All has returned. It returns
	// [connection.ErrUnknown] if it is gone.
	Save(ctx context.Context, c *connection.Stored, event audit.Event) error

	// Remove deletes one. It returns [connection.ErrUnknown].
	Remove(ctx context.Context, slug string, event audit.Event) error
}
