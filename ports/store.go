package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
)

// Store is the service's durable memory and its one truth. All of it is
// reached through the methods below, so that a use case's reads and writes
// stand or fall together. Each aggregate has an interface of its own.
//
// They end within seconds, or within the time of [WithBulkTime].
// Where the database does not answer, they return an error that is
// [fault.ErrUnavailable]; nothing has happened then.
type Store interface {
	// View runs fn against a state that fn cannot change.
	View(ctx context.Context, fn func(ctx context.Context, r Reader) error) error

	// Update runs fn once, in one transaction: everything fn does through tx
	// happens, or none of it. When fn returns an error nothing has happened
	// and Update returns that same error. The exception is the error of
	// [CommitWith]: its writes are kept.
	//
	// What fn reads through tx stays locked until Update returns, so keep fn
	// short and talk to no other port inside it. Lock grants and transactions
	// before authorizations, and those before tokens.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error

	// AddAuthorization is an Update that adds one authorization and does nothing
	// else, in one round trip. After [ErrUserCodeTaken] nothing has happened.
	AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error

	// Ready returns nil if the database answers.
	Ready(ctx context.Context) error
}

// Reader finds what is stored.
type Reader interface {
	Authorizations() AuthorizationReader
	Transactions() TransactionReader
	Grants() GrantReader
	Tokens() TokenReader
	Connections() ConnectionReader
	Metadata() MetadataCopyReader
	Audit() AuditReader
	AuditSeals() AuditSealReader
	AuditDeliveries() AuditDeliveryReader
	ACSLedger() ACSLedgerReader
	SPKeys() SPKeyReader
	RefusedResponses() RefusedResponseReader
	Shadows() ShadowReader
	Clients() ClientReader
	Incidents() IncidentReader
}

// Tx reads and writes. Each write names the event that caused it, and the two
// are kept together; an event that causes several writes of one Update is kept
// once. An event without an ID is refused, and so is the write.
type Tx interface {
	Authorizations() Authorizations
	Transactions() Transactions
	Grants() Grants
	Tokens() Tokens
	Connections() StoredConnections
	Metadata() MetadataCopies
	Audit() Audit
	AuditSeals() AuditSeals
	AuditDeliveries() AuditDeliveries
	ACSLedger() ACSLedger
	SPKeys() SPKeys
	RefusedResponses() RefusedResponses
	Shadows() Shadows
	Clients() ClientRecords
	Incidents() Incidents
	Jobs() Jobs
	Notices() Notices
}
