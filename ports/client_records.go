package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/fault"
)

// ErrUnknownClient says that the store has no such client.
var ErrUnknownClient = fault.New(fault.NotFound, "unknown_client",
	"No client of this id is in the database. See: devicegate clients list.")

// ErrClientTaken says that the store has a client of this id already.
var ErrClientTaken = fault.New(fault.Conflict, "client_exists",
	"A client of this id is in the database already. Change it with: devicegate clients edit.")

// ClientRecord is a client as it is stored.
type ClientRecord struct {
	Client    client.Client
	Version   int64 // 1, and one more with each change
	ChangedAt time.Time
}

// ClientReader finds the clients that are configured in the store.
type ClientReader interface {
	// All are the clients in the order of their ids. Beside them it returns an
	// [*UnreadableError] if there are others that cannot be read.
	All(ctx context.Context) ([]ClientRecord, error)
	// ByID returns [ErrUnknownClient], or an [*UnreadableError].
	ByID(ctx context.Context, id string) (ClientRecord, error)
}

// ClientRecords keeps clients. Each write announces [TopicClients].
type ClientRecords interface {
	ClientReader

	// Add returns [ErrClientTaken].
	Add(ctx context.Context, c client.Client, event audit.Event) error
	// Save keeps every field and counts the version up. It returns
	// [ErrUnknownClient].
	Save(ctx context.Context, c client.Client, event audit.Event) error
	// Remove also removes a client that cannot be read. It returns
	// [ErrUnknownClient].
	Remove(ctx context.Context, id string, event audit.Event) error
}
