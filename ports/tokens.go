package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// TokenReader finds access tokens.
type TokenReader interface {
	// ByID, ByDigest and LiveOf return [token.ErrUnknown].
	ByID(ctx context.Context, id uid.ID) (*token.AccessToken, error)
	ByDigest(ctx context.Context, digest secret.Digest) (*token.AccessToken, error)

	// LiveOf finds the device's token that is not revoked (it may have
	// expired). Inside Update no other transaction can add one to the device
	// until Update returns, whether there is one or not.
	LiveOf(ctx context.Context, device token.Device) (*token.AccessToken, error)

	// Sessions are a person's tokens that are neither revoked nor expired at
	// the given time, the newest first, and how many there are in all.
	Sessions(ctx context.Context, email identity.Email, issuer string, at time.Time, offset, limit int) ([]*token.AccessToken, int, error)

	// Matching are the tokens that a filter matches, the newest first, and how many
	// there are in all. Unless ended is set, tokens that are revoked, or expired at
	// the given time, are left out.
	Matching(ctx context.Context, wanted token.Filter, ended bool, at time.Time, offset, limit int) ([]*token.AccessToken, int, error)

	// Overdue finds up to limit tokens that have expired at the given time and are
	// not revoked. Tokens of accounts, which another issuer makes, are left out.
	Overdue(ctx context.Context, at time.Time, limit int) ([]uid.ID, error)
	// Ended finds up to limit tokens that were revoked or expired before the given
	// time. Tokens of accounts are left out.
	Ended(ctx context.Context, before time.Time, limit int) ([]uid.ID, error)
}

// Tokens keeps access tokens. Another issuer may write into the same table:
// what this service cannot represent of its tokens stays as it is.
type Tokens interface {
	TokenReader

	// Add keeps a new token.
	Add(ctx context.Context, t *token.AccessToken, event audit.Event) error
	// Save keeps every field. It returns [token.ErrUnknown].
	Save(ctx context.Context, t *token.AccessToken, event audit.Event) error

	// RevokeMatching revokes all tokens that a filter matches and that are neither
	// revoked nor expired at the given time, and returns the digests that they had.
	// The event says how many; it is kept if there are none, too.
	RevokeMatching(ctx context.Context, wanted token.Filter, at time.Time, event func(revoked int) audit.Event) ([]secret.Digest, error)

	// Lock finds those of the given tokens that no other transaction has locked. It
	// waits for none.
	Lock(ctx context.Context, ids []uid.ID) ([]*token.AccessToken, error)

	// SaveUse keeps LastUsedAt and nothing else, for each use but the first.
	// It names no event: one a minute and token would bury the others. It
	// returns [token.ErrUnknown].
	SaveUse(ctx context.Context, t *token.AccessToken) error

	// Delete deletes tokens, except those that others have locked, and returns how
	// many. It names no event: their end has one.
	Delete(ctx context.Context, ids []uid.ID) (int, error)
}
