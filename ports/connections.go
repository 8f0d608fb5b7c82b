package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/connection"
)

// Connections knows the identity providers that people may come from. They can
// change while the service runs.
type Connections interface {
	// Connections returns all of them in one state that does not change. It is
	// asked anew for each request.
	Connections(ctx context.Context) (connection.Directory, error)
}
