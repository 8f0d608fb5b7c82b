package application

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// The refusals of a change.
var (
	ErrClientInFile = fault.New(fault.Conflict, "client_in_file",
		"CLIENTS_FILE describes this client. Change it there; the file is read again when it changes.")
	ErrClientInEnvironment = fault.New(fault.Conflict, "client_in_environment",
		"OPENAPI_KNOWN_CLIENT_IDS names this client: without its entry in the database it would be allowed, without any bound. Suspend it, or take it out of that setting first.")
	ErrClientUnreadable = fault.New(fault.Conflict, "client_unreadable",
		"What the database has of this client cannot be read, so the client is refused. Remove it and add it again; the log says what is wrong.")
	ErrClientChanged = fault.New(fault.PreconditionFailed, "version_mismatch",
		"The client was changed in the meantime. Look at it again.")
)

// ConfigureClient changes the clients in the database, for an administrator.
// Replicas hear of it within seconds.
type ConfigureClient struct {
	store    ports.Store
	throttle ports.PollThrottle
	outside  ClientsOutside
	now      ports.Clock
}

// NewConfigureClient makes the use case.
func NewConfigureClient(store ports.Store, throttle ports.PollThrottle, outside ClientsOutside, now ports.Clock) *ConfigureClient {
	return &ConfigureClient{store, throttle, outside, now}
}

// ClientChange is what happens to one client.
type ClientChange struct {
	ID string
	// Add makes a client; else there has to be one. A client that only the
	// environment names is taken over into the database by its first change.
	Add bool
	// Remove takes the client out. Edit is not called.
	Remove bool
	// DryRun checks that the change can be made, and makes none.
	DryRun bool
	// Edit changes the settings; nil: they stay.
	Edit func(*client.Settings)
	// Version is the one that the change was made for; 0: any.
	Version int64
	// Revoke ends the client's tokens, and turns the devices away that were
	// approved and have none yet.
	Revoke bool
}

// ClientChanged is what came of a change.
type ClientChanged struct {
	Record  ports.ClientRecord // zero: removed
	Changed bool               // else the client was so already
	Revoked Revoked
}

// Execute changes the client and ends its tokens in one transaction. It returns
// [ErrClientInFile], [ErrClientInEnvironment], [ErrClientUnreadable], [ErrClientChanged],
// [ports.ErrClientTaken], [ports.ErrUnknownClient], and invalid_client with a line
// for each setting that cannot be right.
func (uc *ConfigureClient) Execute(ctx context.Context, wanted ClientChange, by audit.Actor, origin request.Origin) (ClientChanged, error) {
	environment, file := uc.outside()
	named, err := environment.Find(wanted.ID)
	isNamed := err == nil
	var out ClientChanged
	var work revoking
	if wanted.Revoke {
		ctx = ports.WithBulkTime(ctx)
	}
	err = uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		at := uc.now()
		before, err := tx.Clients().ByID(ctx, wanted.ID)
		unreadable, err := ports.LeaveOut(err)
		if len(unreadable) > 0 {
			before.Client = client.Unreadable(wanted.ID)
		}
		stored := err == nil
		switch {
		case err != nil && !errors.Is(err, ports.ErrUnknownClient):
			return fmt.Errorf("find client: %w", err)
		case file.Has(wanted.ID) && !(wanted.Remove && stored): // an entry beside the file's may always go
			return ErrClientInFile
		case len(unreadable) > 0 && !wanted.Remove:
			return ErrClientUnreadable
		case stored && wanted.Add:
			return ports.ErrClientTaken
		case stored && wanted.Version != 0 && wanted.Version != before.Version:
			return ErrClientChanged
		case wanted.Remove && isNamed && !file.Has(wanted.ID):
			return ErrClientInEnvironment
		case !stored && (wanted.Remove || !wanted.Add && !isNamed):
			return ports.ErrUnknownClient
		case wanted.DryRun:
			return nil
		}
		if !stored && isNamed {
			before.Client = named
		}
		if err := uc.write(ctx, tx, wanted, before, stored, by, at, origin, &out); err != nil {
			return err
		}
		if !wanted.Revoke {
			return nil
		}
		work, err = revokeClient(ctx, tx, wanted.ID, by, at, origin)
		return err
	})
	if err != nil {
		return ClientChanged{}, err
	}
	for _, code := range work.codes {
		_ = uc.throttle.Invalidate(ctx, code) // a hint; the device finds out without it
	}
	out.Revoked = Revoked{len(work.digests), len(work.codes)}
	return out, nil
}

func (uc *ConfigureClient) write(ctx context.Context, tx ports.Tx, wanted ClientChange, before ports.ClientRecord, stored bool, by audit.Actor, at time.Time, origin request.Origin, out *ClientChanged) error {
	if wanted.Remove {
		out.Changed = true
		return tx.Clients().Remove(ctx, wanted.ID, before.Client.Event(audit.ClientRemoved, "", by, at, origin))
	}
	settings := before.Client.Settings()
	if before.Client.IsZero() {
		settings.ID = wanted.ID
	}
	if wanted.Edit != nil {
		wanted.Edit(&settings)
	}
	settings.ID, settings.Source = wanted.ID, client.Database
	after, err := client.New(settings)
	if err != nil {
		return invalidClient(err)
	}
	details := client.Differences(before.Client, after)
	out.Record = ports.ClientRecord{Client: after, Version: before.Version + 1, ChangedAt: at}
	switch {
	case stored && details == "":
		out.Record = before
		return nil
	case stored:
		out.Changed = true
		return tx.Clients().Save(ctx, after, after.Event(kindOf(before.Client, after), details, by, at, origin))
	}
	out.Changed = true
	added := after.Event(audit.ClientAdded, details, by, at, origin)
	if !before.Client.IsZero() {
		added.Reason = "taken_over"
	}
	return tx.Clients().Add(ctx, after, added)
}

// kindOf names a change by what matters most in it.
func kindOf(before, after client.Client) audit.Kind {
	switch {
	case before.Settings().Suspended == after.Settings().Suspended:
		return audit.ClientChanged
	case after.Settings().Suspended:
		return audit.ClientSuspended
	}
	return audit.ClientAllowed
}

// revokeClient ends the client's tokens. Authorizations are locked before tokens.
func revokeClient(ctx context.Context, tx ports.Tx, id string, by audit.Actor, at time.Time, origin request.Origin) (revoking, error) {
	filter, err := token.ParseFilter(token.FilterText{"client_id": id})
	if err != nil {
		return revoking{}, err
	}
	w := revoking{filter: filter, at: at, by: by, origin: origin}
	if err := w.turnAway(ctx, tx); err != nil {
		return revoking{}, err
	}
	if w.digests, err = tx.Tokens().RevokeMatching(ctx, filter, at, w.event); err != nil {
		return revoking{}, fmt.Errorf("revoke tokens: %w", err)
	}
	return w, nil
}

func invalidClient(err error) error {
	var lines []string
	for _, one := range setting.Split(err) {
		lines = append(lines, one.Error())
	}
	return fault.New(fault.Invalid, "invalid_client", strings.Join(lines, "; ")+".")
}
