package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
)

// TransactionReader finds SSO transactions. Its methods return
// [approval.ErrUnknownTransaction].
type TransactionReader interface {
	// ByRelayState and ByTicket find the one that has the secret.
	ByRelayState(ctx context.Context, relay secret.Digest) (*approval.Transaction, error)
	ByTicket(ctx context.Context, ticket secret.Digest) (*approval.Transaction, error)
	// ByBrowser finds the youngest one of a browser for a code through a
	// connection.
	ByBrowser(ctx context.Context, browser secret.Digest, code device.UserCode, connection string) (*approval.Transaction, error)
	// AwaitedBy lists those of a browser that may still be answered at a time, the
	// youngest first. None is no error.
	AwaitedBy(ctx context.Context, browser secret.Digest, at time.Time) ([]*approval.Transaction, error)
}

// Transactions keeps SSO transactions, and which assertions they have used up.
type Transactions interface {
	TransactionReader

	// Add keeps a new SSO transaction.
	Add(ctx context.Context, t *approval.Transaction, event audit.Event) error
	// Save keeps every field. It returns [approval.ErrUnknownTransaction].
	Save(ctx context.Context, t *approval.Transaction, event audit.Event) error

	// SpendAssertion returns [approval.ErrReplayed] if issuer's assertion id
	// was spent before, on any replica; the transaction can go on then. The
	// fact is kept at least until the given time.
	SpendAssertion(ctx context.Context, issuer, id string, until time.Time, event audit.Event) error

	// DeleteExpired deletes up to limit SSO transactions that expired before the
	// given time, except those that others have locked, and returns how many. It
	// names no event: nothing reads them any more.
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
	// DeleteSpent does so for spent assertions that had to be kept until a time
	// before the given one.
	DeleteSpent(ctx context.Context, before time.Time, limit int) (int, error)
}
