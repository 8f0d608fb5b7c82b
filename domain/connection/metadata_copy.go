package connection

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
)

// How often metadata is fetched.
const (
	refreshEvery = time.Hour
	retryEvery   = 5 * time.Minute // after a failure
)

// ErrOtherEntity says that the metadata of a connection has become that of
// another identity provider. People would become other people.
var ErrOtherEntity = fault.New(fault.Conflict, "entity_changed",
	"The metadata is now that of another identity provider. The last good copy stays in use. If the change is right, state the new entity_id in the connection.")

// ErrNoMetadata says that no metadata of a connection is kept.
var ErrNoMetadata = errors.New("no metadata of this connection is kept")

// MetadataCopy is the last good metadata of one connection, and how the attempts
// since went. All replicas share it.
type MetadataCopy struct{ s CopySnapshot }

// CopySnapshot is a [MetadataCopy] laid flat.
type CopySnapshot struct {
	Connection string // slug
	Source     string // see [Connection.MetadataSource]
	Good       Metadata
	SeenAt     time.Time // when Good was fetched for the first time; zero: there is none
	FetchedAt  time.Time // when it was fetched last
	TriedAt    time.Time // the last attempt
	Failure    string    // of the last attempt; empty: it went well
	FailingAt  time.Time // the first failure since FetchedAt
	Revision   int64     // raised when Good changes
}

// NewMetadataCopy begins without metadata.
func NewMetadataCopy(of Connection) *MetadataCopy {
	return &MetadataCopy{CopySnapshot{Connection: of.Slug(), Source: of.MetadataSource()}}
}

// Restart is a copy without metadata, for a connection whose source is another
// now. Its revision goes on.
func (c *MetadataCopy) Restart(of Connection) *MetadataCopy {
	next := NewMetadataCopy(of)
	next.s.Revision = c.s.Revision
	return next
}

// RestoreMetadataCopy is the way back from storage.
func RestoreMetadataCopy(s CopySnapshot) (*MetadataCopy, error) {
	if s.Connection == "" || s.SeenAt.IsZero() != (s.Good.EntityID == "") {
		return nil, fmt.Errorf("stored metadata of connection %q is incomplete", s.Connection)
	}
	return &MetadataCopy{s}, nil
}

// Snapshot is the copy laid flat.
func (c *MetadataCopy) Snapshot() CopySnapshot { return c.s }

// Good is the last good metadata of via, and false if there is none: a copy of
// another source is none.
func (c *MetadataCopy) Good(via Connection) (Metadata, bool) {
	return c.s.Good, c.IsOf(via) && !c.s.SeenAt.IsZero()
}

// IsOf reports whether the copy has the source that via names.
func (c *MetadataCopy) IsOf(via Connection) bool {
	return c.s.Connection == via.Slug() && c.s.Source == via.MetadataSource()
}

// Due reports whether it is time for another attempt.
func (c *MetadataCopy) Due(at time.Time) bool {
	wait := refreshEvery
	if c.s.Failure != "" || c.s.FetchedAt.Before(c.s.TriedAt) {
		wait = retryEvery
	}
	return c.s.TriedAt.IsZero() || at.Sub(c.s.TriedAt) >= wait
}

// IsAnother reports whether metadata is of another identity provider than the last
// good copy.
func (s CopySnapshot) IsAnother(m Metadata) bool {
	return !s.SeenAt.IsZero() && m.EntityID != "" && m.EntityID != s.Good.EntityID
}

// Trying reports whether an attempt may be under way: it began within most, and
// neither its success nor a first failure is on record.
func (s CopySnapshot) Trying(at time.Time, most time.Duration) bool {
	return s.TriedAt.After(s.FetchedAt) && s.TriedAt.After(s.FailingAt) && at.Sub(s.TriedAt) < most
}

// TooSoonError says that the last attempt was less than Gap ago.
type TooSoonError struct{ Since, Gap time.Duration }

func (e TooSoonError) Error() string {
	return fmt.Sprintf("the metadata was fetched %s ago and is fetched again after %s at the earliest", e.Since.Round(time.Second), e.Gap)
}

// Claim begins an attempt, so that replicas that want one at the same time make
// one. It returns a [TooSoonError].
func (c *MetadataCopy) Claim(at time.Time, gap time.Duration) error {
	if since := at.Sub(c.s.TriedAt); !c.s.TriedAt.IsZero() && since < gap {
		return TooSoonError{max(since, 0), gap}
	}
	c.s.TriedAt = at
	return nil
}

// Accept takes what was fetched. The event is zero if nothing that matters has
// changed. If the metadata is of another identity provider than the last good
// copy, it is refused with [ErrOtherEntity], which has an event the first time.
func (c *MetadataCopy) Accept(fetched Metadata, by Author) (audit.Event, error) {
	first := c.s.SeenAt.IsZero()
	if c.s.IsAnother(fetched) {
		before := c.s.Failure
		c.Fail(fmt.Sprintf("the metadata is now that of %s; it was that of %s: state entity_id if that is right", fetched.EntityID, c.s.Good.EntityID), by.At)
		if c.s.Failure == before { // its event was returned then
			return audit.Event{}, ErrOtherEntity
		}
		return by.event(audit.MetadataRefused, c.s.Connection, c.s.Failure), ErrOtherEntity
	}
	changes := c.s.Good.Changes(fetched)
	c.s.FetchedAt, c.s.Failure, c.s.FailingAt = by.At, "", time.Time{}
	if first || !c.s.Good.Same(fetched) {
		c.s.Good, c.s.SeenAt = fetched, by.At
		c.s.Revision++
	}
	if len(changes) == 0 {
		return audit.Event{}, nil
	}
	return by.event(audit.MetadataChanged, c.s.Connection, strings.Join(changes, "; ")), nil
}

// Replace takes the metadata of a connection whose source an administrator has
// chosen, whatever it was before. The event is zero if that says nothing new.
func (c *MetadataCopy) Replace(of Connection, fetched Metadata, by Author) audit.Event {
	changes := c.s.Good.Changes(fetched)
	c.s = CopySnapshot{
		Connection: of.Slug(), Source: of.MetadataSource(), Good: fetched,
		SeenAt: by.At, FetchedAt: by.At, TriedAt: by.At, Revision: c.s.Revision + 1,
	}
	if len(changes) == 0 {
		return audit.Event{}
	}
	return by.event(audit.MetadataChanged, of.Slug(), strings.Join(changes, "; "))
}

// Fail records why there is nothing newer. The last good copy stays.
func (c *MetadataCopy) Fail(because string, at time.Time) {
	if c.s.Failure = because; c.s.FailingAt.IsZero() {
		c.s.FailingAt = at
	}
}
