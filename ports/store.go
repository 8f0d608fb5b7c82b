package ports

import (
	"context"
	"errors"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// Store is the service's durable memory and its one truth. All of it is
// reached through the two methods below, so that a use case's reads and writes
// stand or fall together.
//
// Where the database does not answer, both return an error that is
// [fault.ErrUnavailable]; nothing has happened then.
type Store interface {
	// View runs fn against a state that fn cannot change.
	View(ctx context.Context, fn func(ctx context.Context, r Reader) error) error

	// Update runs fn once, in one transaction: everything fn does through tx
	// happens, or none of it. When fn returns an error nothing has happened
	// and Update returns that same error.
	//
	// What fn reads through tx stays locked until Update returns, so keep fn
	// short and talk to no other port inside it. Lock grants and transactions
	// before authorizations, and those before tokens.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error

	// Ready returns nil if the database answers.
	Ready(ctx context.Context) error
}

// ErrUserCodeTaken says that a user code is in use: make another.
var ErrUserCodeTaken = errors.New("ports: user code taken")

// Reader finds what is stored.
type Reader interface {
	// These return device.ErrUnknown.
	AuthorizationByCode(ctx context.Context, code secret.Digest) (*device.Authorization, error)
	AuthorizationByUserCode(ctx context.Context, code device.UserCode) (*device.Authorization, error)
	Authorization(ctx context.Context, id uid.ID) (*device.Authorization, error)

	// Redeemed are the authorizations that allotted the given tokens, as far as
	// they are still kept.
	Redeemed(ctx context.Context, tokens []uid.ID) ([]*device.Authorization, error)

	// These return approval.ErrUnknownTransaction. The last one finds the
	// youngest trip of a browser for a code through the given connections.
	Transaction(ctx context.Context, id uid.ID) (*approval.Transaction, error)
	TransactionByRelayState(ctx context.Context, relay secret.Digest) (*approval.Transaction, error)
	TransactionByTicket(ctx context.Context, ticket secret.Digest) (*approval.Transaction, error)
	TransactionByBrowser(ctx context.Context, browser secret.Digest, code device.UserCode, connections []string) (*approval.Transaction, error)

	// Grants are all under one handle; none is no error.
	Grants(ctx context.Context, handle secret.Digest) (approval.Grants, error)

	// These return token.ErrUnknown. LiveToken finds the device's token that
	// is not revoked (it may have expired); inside Update nobody else can add
	// one to the device until Update returns, whether there was one or not.
	Token(ctx context.Context, id uid.ID) (*token.AccessToken, error)
	TokenByDigest(ctx context.Context, digest secret.Digest) (*token.AccessToken, error)
	LiveToken(ctx context.Context, of token.Device) (*token.AccessToken, error)

	// Sessions are a person's tokens that are neither revoked nor expired at
	// the given time, the newest first, and how many there are in all.
	Sessions(ctx context.Context, email identity.Email, issuer string, at time.Time, offset, limit int) ([]*token.AccessToken, int, error)
}

// Tx is a Reader that can also write. A write that somebody will ask about
// names the event that caused it, and the two are kept together; an event that
// caused several writes is kept once.
type Tx interface {
	Reader

	// AddAuthorization returns ErrUserCodeTaken if another authorization has
	// the same user code.
	AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error
	SaveAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error

	AddTransaction(ctx context.Context, t *approval.Transaction) error
	SaveTransaction(ctx context.Context, t *approval.Transaction) error

	// SpendAssertion returns approval.ErrReplayed if issuer's assertion id was
	// spent before, by whomever and on whichever replica. The fact is kept at
	// least until the given time.
	SpendAssertion(ctx context.Context, issuer, id string, until time.Time) error

	AddGrant(ctx context.Context, g *approval.Grant, event audit.Event) error
	SaveGrant(ctx context.Context, g *approval.Grant) error
	// MoveGrants puts the grants under one handle under another.
	MoveGrants(ctx context.Context, from, to secret.Digest) error
	// DropGrants forgets a handle's grants for one code that are not spent.
	DropGrants(ctx context.Context, handle secret.Digest, code device.UserCode) error

	AddToken(ctx context.Context, t *token.AccessToken, event audit.Event) error
	SaveToken(ctx context.Context, t *token.AccessToken, event audit.Event) error
	// NoteUse keeps when the token was last used, and nothing else of it.
	SaveUse(ctx context.Context, t *token.AccessToken) error

	// Record keeps an event that changed nothing: a refusal worth knowing of.
	Record(ctx context.Context, e audit.Event) error
}
