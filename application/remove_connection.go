package application

import (
	"context"
	"errors"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// RemoveConnection lets an administrator remove an identity provider.
type RemoveConnection struct{ checks *ConnectionChecks }

// NewRemoveConnection makes the use case.
func NewRemoveConnection(checks *ConnectionChecks) *RemoveConnection {
	return &RemoveConnection{checks}
}

// Execute removes a connection, readable or not, its metadata and its ledger: a
// later connection of that slug begins with nothing. No person signs in by it any
// more; tokens that people have got stay. A dry run changes nothing. It returns
// [connection.ErrUnknown], [connection.ErrInFile] or [connection.ErrEdited].
func (uc *RemoveConnection) Execute(ctx context.Context, slug string, revision int64, dryRun bool, by connection.Author) (*connection.Stored, error) {
	stored, _, err := uc.checks.find(ctx, slug)
	if errors.Is(err, connection.ErrUnreadable) {
		stored, err = connection.Unreadable(slug), nil
	}
	if err != nil {
		return nil, err
	}
	by.At = uc.checks.now()
	if _, err := stored.Remove(revision, by); err != nil || dryRun {
		return stored, err
	}
	begun := stored.Revision()
	return stored, uc.checks.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		return removeConnection(ctx, tx, slug, begun, by)
	})
}

func removeConnection(ctx context.Context, tx ports.Tx, slug string, revision int64, by connection.Author) error {
	all, torn, err := readable(tx.Connections().All(ctx))
	if err != nil {
		return err
	}
	stored, err := findStored(append(all, torn...), slug)
	if err != nil {
		return err
	}
	event, err := stored.Remove(revision, by)
	if err != nil {
		return err
	}
	if err := tx.Connections().Remove(ctx, slug, event); err != nil {
		return err
	}
	if err := tx.Shadows().Forget(ctx, slug); err != nil {
		return err
	}
	if err := tx.ACSLedger().Forget(ctx, slug); err != nil {
		return err
	}
	return tx.Metadata().Forget(ctx, slug)
}
