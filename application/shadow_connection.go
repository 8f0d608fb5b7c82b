package application

import (
	"context"
	"errors"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// ShadowConnection lets an administrator try a change of an identity provider on live
// sign-ins before it is made.
type ShadowConnection struct {
	checks *ConnectionChecks
	edit   *EditConnection
}

// NewShadowConnection makes the use case.
func NewShadowConnection(checks *ConnectionChecks, edit *EditConnection) *ShadowConnection {
	return &ShadowConnection{checks, edit}
}

// Try checks a change as an edit is checked, and lets it run beside the connection,
// which stays as it is. It takes the place of another one that was tried. It returns
// what [EditConnection.Execute] returns.
func (uc *ShadowConnection) Try(ctx context.Context, slug string, revision int64, change func(*connection.Settings) error, by connection.Author) (Edited, error) {
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
	if revision != 0 && revision != stored.Revision() {
		return out, connection.ErrEdited
	}
	if out.Report, err = uc.checks.check(ctx, next, asBefore{stored.Snapshot().Settings, kept}); err != nil {
		return out, err
	}
	out.Changes = connection.Differences(stored.Snapshot().Settings, next)
	out.compare(kept)
	if err := out.Report.err(); err != nil {
		return out, err
	}
	read := out.Report.Metadata
	if out.Report.kept { // the connection has it
		read = connection.Metadata{}
	}
	by.At = uc.checks.now()
	shadow, event, err := stored.NewShadow(out.Report.Connection, read, by)
	if err != nil {
		return out, err
	}
	return out, uc.checks.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		return tx.Shadows().Put(ctx, shadow, event)
	})
}

// ShownShadow is a change that is being tried, beside the connection as it is now.
type ShownShadow struct {
	connection.ShadowSnapshot
	Outdated bool                    // the connection was changed since: it cannot be promoted
	Changes  []connection.Difference // that promoting would make
}

// Show returns [connection.ErrNoShadow], also for a connection in the file, and
// [connection.ErrNotListed].
func (uc *ShadowConnection) Show(ctx context.Context, slug string) (ShownShadow, error) {
	stored, _, err := uc.checks.find(ctx, slug)
	if errors.Is(err, connection.ErrInFile) {
		err = connection.ErrNoShadow
	}
	if err != nil {
		return ShownShadow{}, err
	}
	s, err := uc.find(ctx, slug)
	if err != nil {
		return ShownShadow{}, err
	}
	now := stored.Snapshot()
	return ShownShadow{s, s.IsOutdated(now.Revision), connection.Differences(now.Settings, s.Settings)}, nil
}

// find returns [connection.ErrNoShadow].
func (uc *ShadowConnection) find(ctx context.Context, slug string) (s connection.ShadowSnapshot, err error) {
	err = uc.checks.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		shadow, err := r.Shadows().Of(ctx, slug)
		if err == nil {
			s = shadow.Snapshot()
		}
		return err
	})
	return s, err
}

// Promote makes the change that was tried and ends the attempt, in one transaction.
// The change is checked once more, and refused with [connection.ErrEdited] if the
// connection was changed since the attempt began, if it has not the revision that the
// administrator has read (0: any), or if another change took the place of this one.
func (uc *ShadowConnection) Promote(ctx context.Context, slug string, revision int64, by connection.Author) (Edited, error) {
	read, err := uc.find(ctx, slug)
	if err != nil {
		return Edited{}, err
	}
	if revision != 0 && revision != read.Revision {
		return Edited{}, connection.ErrEdited
	}
	return uc.edit.executeWith(ctx, slug, read.Revision, func(s *connection.Settings) error {
		*s = read.Settings
		return nil
	}, false, by, func(ctx context.Context, tx ports.Tx) error {
		return uc.drop(ctx, tx, slug, by, func(now connection.ShadowSnapshot) bool { return now.MadeAt.Equal(read.MadeAt) })
	})
}

// Drop ends the attempt. The connection stays as it is. It returns
// [connection.ErrNoShadow], or [connection.ErrEdited] if the shadow is of another
// revision than the one that the administrator has read (0: any).
func (uc *ShadowConnection) Drop(ctx context.Context, slug string, revision int64, by connection.Author) error {
	return uc.checks.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		return uc.drop(ctx, tx, slug, by, func(now connection.ShadowSnapshot) bool { return revision == 0 || revision == now.Revision })
	})
}

func (uc *ShadowConnection) drop(ctx context.Context, tx ports.Tx, slug string, by connection.Author, meant func(connection.ShadowSnapshot) bool) error {
	shadow, err := tx.Shadows().Of(ctx, slug)
	if err != nil {
		return err
	}
	if !meant(shadow.Snapshot()) {
		return connection.ErrEdited
	}
	by.At = uc.checks.now()
	return tx.Shadows().Drop(ctx, slug, shadow.Drop(by))
}
