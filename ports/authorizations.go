package ports

import (
	"context"
	"errors"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// ErrUserCodeTaken says that a user code is in use: make another.
var ErrUserCodeTaken = errors.New("ports: user code taken")

// AuthorizationReader finds device authorizations.
type AuthorizationReader interface {
	// ByID, ByCode and ByUserCode return [device.ErrUnknown].
	ByID(ctx context.Context, id uid.ID) (*device.Authorization, error)
	ByCode(ctx context.Context, code secret.Digest) (*device.Authorization, error)
	ByUserCode(ctx context.Context, code device.UserCode) (*device.Authorization, error)

	// RedeemedFor finds the authorizations that were redeemed for the given
	// tokens, as far as they are still kept.
	RedeemedFor(ctx context.Context, tokens []uid.ID) ([]*device.Authorization, error)

	// ApprovedBy finds a person's authorizations that are approved and not
	// redeemed, the newest decision first. Some may have expired.
	ApprovedBy(ctx context.Context, email identity.Email, issuer string, limit int) ([]*device.Authorization, error)

	// Unfetched finds up to limit authorizations, the youngest first, that are
	// approved and not redeemed, or redeemed by an answer that is known not to have
	// arrived, and that were not taken back. Of the filter, the times are ignored,
	// and its network is that of the start. Some may have expired.
	Unfetched(ctx context.Context, wanted token.Filter, limit int) ([]*device.Authorization, error)

	// RedeemedWithoutToken finds up to limit authorizations that expired before
	// the given time and were redeemed for a token that is no longer kept.
	RedeemedWithoutToken(ctx context.Context, before time.Time, limit int) ([]uid.ID, error)
}

// Authorizations keeps device authorizations.
type Authorizations interface {
	AuthorizationReader

	// Add returns [ErrUserCodeTaken] if another authorization has the same
	// user code; the transaction can go on then.
	Add(ctx context.Context, a *device.Authorization, event audit.Event) error
	// Save keeps every field. It returns [device.ErrUnknown].
	Save(ctx context.Context, a *device.Authorization, event audit.Event) error

	// DeleteExpired deletes up to limit authorizations that expired before the
	// given time and were not redeemed, and returns how many. Those that a stored
	// grant or SSO transaction is about stay, and so do those that others have
	// locked. It names no event: nothing reads them any more.
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
	// DeleteRedeemedFor deletes the authorizations that expired before the given
	// time and were redeemed for one of the given tokens, if that is no longer kept,
	// and returns how many. Those that others have locked stay.
	DeleteRedeemedFor(ctx context.Context, tokens []uid.ID, before time.Time) (int, error)
	// Delete deletes authorizations, except those that others have locked, and
	// returns how many.
	Delete(ctx context.Context, ids []uid.ID) (int, error)
}
