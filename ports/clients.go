package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/client"
)

// Clients knows the OAuth clients that may start the device flow. They can
// change while the service runs.
type Clients interface {
	// Clients returns all of them in one state that does not change. It is
	// asked anew for each request.
	Clients(ctx context.Context) (client.Directory, error)
}
