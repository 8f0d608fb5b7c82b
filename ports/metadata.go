package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/audit"
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

// MetadataCopyReader finds the metadata that is kept for all replicas.
type MetadataCopyReader interface {
	// Of returns the copy of a connection. It returns
	// [connection.ErrNoMetadata], or an [*UnreadableError].
	Of(ctx context.Context, slug string) (*connection.MetadataCopy, error)

	// All are the copies of all connections, by slug, without the documents. Beside
	// them it returns an [*UnreadableError] if there are others that cannot be read.
	// It locks nothing.
	All(ctx context.Context) ([]connection.CopySnapshot, error)
}

// MetadataCopies keeps the last good metadata of connections, also of those that
// a file has.
type MetadataCopies interface {
	MetadataCopyReader

	// Keep writes a copy, whether there was one or not, and announces
	// [TopicMetadata]. With a zero event nothing that matters has changed: that is
	// not announced, and other processes see it within [ChangesRefresh].
	Keep(ctx context.Context, c *connection.MetadataCopy, event audit.Event) error

	// Forget deletes the copy of a connection that is removed.
	Forget(ctx context.Context, slug string) error
}
