package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/secret"
)

// ACSLedgerReader finds what was seen of the callbacks of connections, and what
// was decided about them.
type ACSLedgerReader interface {
	// Ledgers are those of all connections of which anything is known, by slug.
	// They lock nothing.
	Ledgers(ctx context.Context) (map[string]acsmove.Ledger, error)
	// Ledger of a connection of which nothing is known is empty. It locks nothing.
	Ledger(ctx context.Context, connection string) (acsmove.Ledger, error)

	// Move of a connection about which nothing was decided is new.
	Move(ctx context.Context, connection string) (*acsmove.Move, error)
	// MoveByLink returns [acsmove.ErrUnknownTest].
	MoveByLink(ctx context.Context, link secret.Digest) (*acsmove.Move, error)
	// MoveByBrowser finds the one whose test a browser opened last. It returns
	// [acsmove.ErrUnknownTest].
	MoveByBrowser(ctx context.Context, browser secret.Digest) (*acsmove.Move, error)
}

// ACSLedger keeps ledgers and moves.
type ACSLedger interface {
	ACSLedgerReader

	// Note counts a sighting, and loses none. It locks a count of the connection
	// until the transaction ends: call it as the last write of a transaction.
	Note(ctx context.Context, s acsmove.Sighting, event audit.Event) error
	// SaveMove keeps every field.
	SaveMove(ctx context.Context, m *acsmove.Move, event audit.Event) error
	// Forget deletes the ledger and the move, if any, of a connection that is
	// removed, or that is another identity provider now.
	Forget(ctx context.Context, connection string) error
}
