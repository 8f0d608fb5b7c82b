package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/explain"
)

// RefusedResponseReader finds responses that were refused, to be explained.
type RefusedResponseReader interface {
	// ByReference takes a whole reference, or its [request.ShortID], for which the
	// latest response is found. It returns [explain.ErrNotKept].
	ByReference(ctx context.Context, reference string) (explain.Kept, error)
}

// RefusedResponses keeps them sealed, within the bounds of package explain: the
// oldest make room.
type RefusedResponses interface {
	RefusedResponseReader

	// Keep leaves out one that is larger than [explain.KeptSize] when it is
	// compressed, and one whose reference is taken.
	Keep(ctx context.Context, k explain.Kept, event audit.Event) error
	// DeleteReceived deletes at most limit of those that came before a time, and
	// says how many.
	DeleteReceived(ctx context.Context, before time.Time, limit int) (int, error)
}
