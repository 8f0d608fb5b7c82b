package ports

import (
	"context"
	"errors"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// ErrUnknownGrant says that a grant is not stored. From Save it is a defect: a
// grant that was read in the same transaction is locked and cannot be missing.
var ErrUnknownGrant = errors.New("ports: no such grant")

// GrantReader finds approval grants.
type GrantReader interface {
	// BySession finds all grants of a grant session; none is no error.
	BySession(ctx context.Context, session secret.Digest) (approval.Grants, error)
	// ByID returns [ErrUnknownGrant].
	ByID(ctx context.Context, id uid.ID) (*approval.Grant, error)
}

// Grants keeps approval grants.
type Grants interface {
	GrantReader

	// Add keeps a new grant.
	Add(ctx context.Context, g *approval.Grant, event audit.Event) error
	// Save keeps every field. It returns [ErrUnknownGrant].
	Save(ctx context.Context, g *approval.Grant, event audit.Event) error
	// Move puts the grants of one grant session into another.
	Move(ctx context.Context, from, to secret.Digest, event audit.Event) error
	// Drop forgets a grant session's grants for a code that are not spent.
	Drop(ctx context.Context, session secret.Digest, code device.UserCode, event audit.Event) error

	// DeleteExpired deletes up to limit grants that expired before the given time,
	// except those that others have locked, and returns how many. It names no
	// event: nothing reads them any more.
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
}
