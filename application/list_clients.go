package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/ports"
)

// ListClients tells an administrator which clients there are, and which source
// each comes from.
type ListClients struct {
	store   ports.Store
	outside ClientsOutside
}

// NewListClients makes the use case.
func NewListClients(store ports.Store, outside ClientsOutside) *ListClients {
	return &ListClients{store, outside}
}

// ListedClient is one of them. Version is 0 for one that the database does not
// keep.
type ListedClient struct {
	ports.ClientRecord
	// Conflict says that the file and the database both have it; replicas do not
	// start then, and those that run go on with what they had.
	Conflict bool
	// Unreadable says why nothing but the id can be read of it; it is refused then.
	Unreadable string
}

// Execute lists the clients of all sources: the file's, the database's, and those
// that the environment alone names.
func (uc *ListClients) Execute(ctx context.Context) (all []ListedClient, err error) {
	environment, file := uc.outside()
	var stored []ports.ClientRecord
	var unreadable []ports.Unreadable
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		stored, err = r.Clients().All(ctx)
		unreadable, err = ports.LeaveOut(err)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	inStore := map[string]bool{}
	for _, one := range stored {
		inStore[one.Client.ID()] = true
	}
	for _, row := range unreadable {
		inStore[row.Key] = true
	}
	for _, one := range file.All() {
		all = append(all, ListedClient{ClientRecord: ports.ClientRecord{Client: one}, Conflict: inStore[one.ID()]})
	}
	for _, one := range stored {
		all = append(all, ListedClient{ClientRecord: one, Conflict: file.Has(one.Client.ID())})
	}
	for _, row := range unreadable {
		of := ports.ClientRecord{Client: client.Unreadable(row.Key)}
		all = append(all, ListedClient{ClientRecord: of, Conflict: file.Has(row.Key), Unreadable: row.Err.Error()})
	}
	for _, one := range environment.All() {
		if !file.Has(one.ID()) && !inStore[one.ID()] {
			all = append(all, ListedClient{ClientRecord: ports.ClientRecord{Client: one}})
		}
	}
	return all, nil
}

// ClientsOutside are the clients that the database does not keep: those of
// OPENAPI_KNOWN_CLIENT_IDS and of CLIENTS_FILE, as this process reads them.
type ClientsOutside func() (environment, file client.Directory)
