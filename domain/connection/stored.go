package connection

import (
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
)

var (
	// ErrSlugTaken says that there is a connection of that slug.
	ErrSlugTaken = fault.New(fault.Conflict, "connection_exists",
		"There is a connection of that slug. Choose another slug, or edit the one that is there.")
	// ErrEdited says that a connection was changed since it was read.
	ErrEdited = fault.New(fault.PreconditionFailed, "connection_changed",
		"The connection was changed in the meantime, and this change would undo that one. Read it again, then repeat the change with the new revision.")
	// ErrInFile says that a connection belongs to the connections file.
	ErrInFile = fault.New(fault.Conflict, "connection_in_file",
		"This connection comes from CONNECTIONS_FILE. Change it there; the file is read again when it changes.")
	// ErrUnreadable says that nothing but the slug can be read of a connection.
	ErrUnreadable = fault.New(fault.Conflict, "connection_unreadable",
		"What the database has of this connection cannot be read, so it is left out. Remove it and add it again; the log says what is wrong.")
	// ErrNothingToChange says that an edit would change nothing.
	ErrNothingToChange = fault.New(fault.Invalid, "nothing_to_change",
		"The connection is like that already. Say what to change.")
)

// Stored is a connection that administrators keep in the store. It has a revision
// that every change raises, so that two edits at once cannot undo each other.
type Stored struct {
	via Connection
	s   StoredSnapshot
}

// StoredSnapshot is a [Stored] laid flat.
type StoredSnapshot struct {
	Settings  Settings
	Revision  int64 // 1 for a new one
	AddedAt   time.Time
	ChangedAt time.Time
	ChangedBy string // the administrator
}

// Author is the administrator of a change, with the origin and the time of the request.
type Author struct {
	Actor  audit.Actor
	Origin request.Origin
	At     time.Time
}

func (a Author) event(kind audit.Kind, slug, detail string) audit.Event {
	e := audit.New(kind, a.Actor, a.At, a.Origin)
	e.Connection, e.Detail = slug, detail
	return e
}

// Add makes a new connection, with revision 1.
func Add(via Connection, by Author) (*Stored, audit.Event) {
	s := &Stored{via.OwnedBy(Database), StoredSnapshot{
		Settings: via.Settings(), Revision: 1, AddedAt: by.At, ChangedAt: by.At, ChangedBy: by.Actor.Name,
	}}
	return s, by.event(audit.ConnectionAdded, via.Slug(), Differing(Differences(Settings{}, via.Settings())))
}

// RestoreStored is the way back from storage.
func RestoreStored(s StoredSnapshot) (*Stored, error) {
	via, err := New(s.Settings)
	if err != nil {
		return nil, fmt.Errorf("stored connection %q: %w", s.Settings.Slug, err)
	}
	if s.Revision < 1 || s.AddedAt.IsZero() || s.ChangedAt.Before(s.AddedAt) {
		return nil, errors.New("stored connection " + via.Slug() + ": its revision or its times cannot be")
	}
	s.Settings = via.Settings()
	return &Stored{via.OwnedBy(Database), s}, nil
}

// Unreadable stands for one of which nothing can be read but its slug. It can only
// be removed.
func Unreadable(slug string) *Stored {
	s := Settings{Slug: slug}
	return &Stored{Connection{s: s}.OwnedBy(Database), StoredSnapshot{Settings: s}}
}

// Snapshot is the connection laid flat.
func (c *Stored) Snapshot() StoredSnapshot { return c.s }

// Connection is the connection itself.
func (c *Stored) Connection() Connection { return c.via }

// Revision is 1 for a new connection; every change raises it by one.
func (c *Stored) Revision() int64 { return c.s.Revision }

// check returns [ErrEdited] unless an administrator has read the connection as it
// is; 0: they did not say.
func (c *Stored) check(revision int64) error {
	if revision != 0 && revision != c.s.Revision {
		return ErrEdited
	}
	return nil
}

// Edit replaces the settings but for the slug, which names the connection for
// ever. It returns [ErrEdited] or [ErrNothingToChange].
func (c *Stored) Edit(next Connection, revision int64, by Author) (audit.Event, error) {
	if err := c.check(revision); err != nil {
		return audit.Event{}, err
	}
	if next.Slug() != c.via.Slug() {
		return audit.Event{}, fmt.Errorf("connection %s cannot become %s", c.via.Slug(), next.Slug())
	}
	changes := Differences(c.s.Settings, next.Settings())
	if len(changes) == 0 {
		return audit.Event{}, ErrNothingToChange
	}
	c.via, c.s.Settings = next.OwnedBy(Database), next.Settings()
	c.s.Revision++
	c.s.ChangedAt, c.s.ChangedBy = by.At, by.Actor.Name
	return by.event(audit.ConnectionEdited, c.via.Slug(), Differing(changes)), nil
}

// Remove returns the event that the connection was removed, or [ErrEdited].
func (c *Stored) Remove(revision int64, by Author) (audit.Event, error) {
	if err := c.check(revision); err != nil {
		return audit.Event{}, err
	}
	return by.event(audit.ConnectionRemoved, c.via.Slug(), Differing(Differences(Settings{}, c.s.Settings))), nil
}
