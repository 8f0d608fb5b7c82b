package application

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// EditConnection lets an administrator change an identity provider.
type EditConnection struct{ checks *ConnectionChecks }

// NewEditConnection makes the use case.
func NewEditConnection(checks *ConnectionChecks) *EditConnection { return &EditConnection{checks} }

// Edited is what an edit changes.
type Edited struct {
	Report   ConnectionReport
	Changes  []connection.Difference
	Metadata []string // what the new metadata says otherwise
	Revision int64    // that the connection has now
}

// Execute changes a connection as change says, checks it like a new one, and
// keeps it. revision is the one that the administrator has read; 0: whatever is
// there when the edit begins. A dry run only checks. It returns
// [connection.ErrUnknown], [connection.ErrInFile], [connection.ErrEdited],
// [connection.ErrNothingToChange] or an [*InvalidConnectionError].
func (uc *EditConnection) Execute(ctx context.Context, slug string, revision int64, change func(*connection.Settings) error, dryRun bool, by connection.Author) (Edited, error) {
	return uc.executeWith(ctx, slug, revision, change, dryRun, by, nil)
}

// executeWith is Execute that also runs a function in the transaction of the edit;
// nil: none.
func (uc *EditConnection) executeWith(ctx context.Context, slug string, revision int64, change func(*connection.Settings) error, dryRun bool, by connection.Author, also func(context.Context, ports.Tx) error) (Edited, error) {
	stored, kept, err := uc.checks.find(ctx, slug)
	if err != nil {
		return Edited{}, err
	}
	next := stored.Snapshot().Settings
	if err := change(&next); err != nil {
		return Edited{}, err
	}
	next.Slug = slug
	out := Edited{Revision: stored.Revision()}
	if out.Report, err = uc.checks.check(ctx, next, asBefore{stored.Snapshot().Settings, kept}); err != nil {
		return out, err
	}
	out.Report.storable()
	out.Changes = connection.Differences(stored.Snapshot().Settings, next)
	out.compare(kept)
	begun := stored.Revision()
	by.At = uc.checks.now()
	if err := out.Report.err(); err != nil {
		return out, err
	}
	if _, err := stored.Edit(out.Report.Connection, revision, by); err != nil || dryRun {
		return out, err
	}
	err = uc.checks.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if err := uc.checks.recheck(ctx, tx, out.Report); err != nil {
			return err
		}
		revised, err := editConnection(ctx, tx, out.Report, begun, by)
		if err == nil && also != nil {
			err = also(ctx, tx)
		}
		if err == nil {
			out.Revision = revised
		}
		return err
	})
	return out, err
}

// compare notes what the metadata says otherwise than the copy.
func (e *Edited) compare(kept connection.CopySnapshot) {
	if e.Report.Metadata.EntityID == "" || kept.SeenAt.IsZero() {
		return
	}
	e.Metadata = kept.Good.Changes(e.Report.Metadata)
	if kept.IsAnother(e.Report.Metadata) {
		e.Report.warn("entity_id: it is another identity provider than before, so that people who come by it are other people to devicegate, with tokens of their own; its move to the canonical callback begins anew, and requests name what acs_mount says")
	}
}

// editConnection changes the connection that has the given revision, and returns the
// new one.
func editConnection(ctx context.Context, tx ports.Tx, r ConnectionReport, revision int64, by connection.Author) (int64, error) {
	all, _, err := readable(tx.Connections().All(ctx))
	if err != nil {
		return 0, err
	}
	stored, err := findStored(all, r.Connection.Slug())
	if err != nil {
		return 0, err
	}
	event, err := stored.Edit(r.Connection, revision, by)
	if err != nil {
		return 0, err
	}
	if err := tx.Connections().Save(ctx, stored, event); err != nil {
		return 0, err
	}
	c, err := tx.Metadata().Of(ctx, r.Connection.Slug())
	if errors.Is(err, connection.ErrNoMetadata) {
		c, err = connection.NewMetadataCopy(r.Connection), nil
	}
	if err != nil {
		return 0, fmt.Errorf("metadata of connection %s: %w", r.Connection.Slug(), err)
	}
	if c.Snapshot().IsAnother(r.Metadata) { // what was seen of the one before says nothing of this one
		if err := tx.ACSLedger().Forget(ctx, r.Connection.Slug()); err != nil {
			return 0, err
		}
	}
	return stored.Revision(), keepMetadata(ctx, tx, c, r, by)
}

// readable separates the connections that can be read from stand-ins for the
// others.
func readable(all []*connection.Stored, err error) (whole, torn []*connection.Stored, _ error) {
	unreadable, err := ports.LeaveOut(err)
	if err != nil {
		return nil, nil, fmt.Errorf("connections: %w", err)
	}
	for _, row := range unreadable {
		torn = append(torn, connection.Unreadable(row.Key))
	}
	return all, torn, nil
}

// findStored returns [connection.ErrNotListed].
func findStored(all []*connection.Stored, slug string) (*connection.Stored, error) {
	i := slices.IndexFunc(all, func(s *connection.Stored) bool { return s.Connection().Slug() == slug })
	if i < 0 {
		return nil, connection.ErrNotListed
	}
	return all[i], nil
}

// find returns a connection that the store has, and the copy of its metadata. It
// returns [connection.ErrUnknown], [connection.ErrUnreadable] or
// [connection.ErrInFile].
func (c *ConnectionChecks) find(ctx context.Context, slug string) (*connection.Stored, connection.CopySnapshot, error) {
	stored, torn, kept, err := c.readAll(ctx)
	if err != nil {
		return nil, connection.CopySnapshot{}, err
	}
	found, err := findStored(stored, slug)
	if _, is := findStored(torn, slug); is == nil {
		return nil, connection.CopySnapshot{}, connection.ErrUnreadable
	}
	if err != nil {
		now, failed := c.connections.Connections(ctx)
		if failed != nil {
			return nil, connection.CopySnapshot{}, failed
		}
		if via, known := now.Find(slug); known == nil && via.Owner() != connection.Database {
			err = connection.ErrInFile
		}
		return nil, connection.CopySnapshot{}, err
	}
	for _, k := range kept {
		if k.Connection == slug {
			return found, k, nil
		}
	}
	return found, connection.CopySnapshot{}, nil
}
