package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/connection"
)

// MetadataReader reads the metadata of identity providers, wherever a connection
// says that it is.
type MetadataReader interface {
	// Read fetches the document, or takes the one of the settings, and reads it.
	// It is bounded in time and size. The error is a sentence for operators, which
	// holds no secret of an address.
	Read(ctx context.Context, via connection.Connection) (connection.Metadata, error)
}
