package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// AddConnection lets an administrator add an identity provider.
type AddConnection struct{ checks *ConnectionChecks }

// NewAddConnection makes the use case.
func NewAddConnection(checks *ConnectionChecks) *AddConnection { return &AddConnection{checks} }

// Execute checks a connection and keeps it with its metadata, so that the first
// sign-in waits for no server. A dry run only checks. It returns an
// [*InvalidConnectionError] with everything that is wrong, or
// [connection.ErrSlugTaken].
func (uc *AddConnection) Execute(ctx context.Context, s connection.Settings, dryRun bool, by connection.Author) (ConnectionReport, error) {
	report, err := uc.checks.check(ctx, s, asBefore{})
	if err != nil {
		return report, err
	}
	report.storable()
	if all, err := uc.checks.connections.Connections(ctx); err != nil {
		return report, err
	} else if _, err := all.Find(s.Slug); err == nil {
		return report, connection.ErrSlugTaken
	}
	if err := report.err(); err != nil || dryRun {
		return report, err
	}
	by.At = uc.checks.now()
	return report, uc.checks.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if err := uc.checks.recheck(ctx, tx, report); err != nil {
			return err
		}
		return addConnection(ctx, tx, report, by)
	})
}

// recheck returns an [*InvalidConnectionError] if a report's connection conflicts with
// the connections of the store as they are now, which it locks.
func (c *ConnectionChecks) recheck(ctx context.Context, tx ports.Tx, reports ...ConnectionReport) error {
	stored, _, err := readable(tx.Connections().All(ctx))
	if err != nil {
		return err
	}
	kept, err := copiesOf(tx.Metadata().All(ctx))
	if err != nil {
		return err
	}
	others, err := c.others(ctx, stored)
	if err != nil {
		return err
	}
	for _, r := range reports {
		r.Problems = nil
		c.conflicts(ctx, &r, others, kept)
		if err := r.err(); err != nil {
			return err
		}
	}
	return nil
}

func addConnection(ctx context.Context, tx ports.Tx, r ConnectionReport, by connection.Author) error {
	added, event := connection.Add(r.Connection, by)
	if err := tx.Connections().Add(ctx, added, event); err != nil {
		return err
	}
	return keepMetadata(ctx, tx, connection.NewMetadataCopy(r.Connection), r, by)
}

// keepMetadata keeps what was read of a connection that an administrator has
// changed.
func keepMetadata(ctx context.Context, tx ports.Tx, c *connection.MetadataCopy, r ConnectionReport, by connection.Author) error {
	if r.Metadata.EntityID == "" || r.kept {
		return nil
	}
	event := c.Replace(r.Connection, r.Metadata, by)
	if err := tx.Metadata().Keep(ctx, c, event); err != nil {
		return fmt.Errorf("metadata of connection %s: %w", r.Connection.Slug(), err)
	}
	return nil
}
