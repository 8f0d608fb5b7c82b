package connection

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
)

// ErrNoShadow says that no change of a connection is being tried.
var ErrNoShadow = fault.New(fault.NotFound, "no_shadow",
	"No change of this connection is being tried. Begin with: devicegate connections edit SLUG --shadow …")

// ShadowDifferences is how many differences of a shadow are kept, the newest ones.
const ShadowDifferences = 10

// Shadow is a change of a connection that is tried before it is made: live responses
// are also judged with it, after the fact. Only the connection decides.
type Shadow struct {
	via Connection
	s   ShadowSnapshot
}

// ShadowSnapshot is a [Shadow] laid flat.
type ShadowSnapshot struct {
	Settings    Settings
	Revision    int64    // of the connection that it changes
	Metadata    Metadata // entityID, document and end; zero: that of the connection
	MadeAt      time.Time
	MadeBy      string // the administrator
	Compared    int64  // responses
	Same        int64
	Differences []ShadowDifference // the newest first
}

// IsOutdated reports whether the connection, whose revision is given, was changed after
// the shadow was made of it. It cannot be promoted then.
func (s ShadowSnapshot) IsOutdated(revision int64) bool { return s.Revision != revision }

// ShadowDifference is a response that the connection and its shadow judged
// differently.
type ShadowDifference struct {
	At        time.Time
	RequestID string // of the request, as it stands in the log
	What      string // verdict, email, subject
	Now       string // by the connection
	Shadow    string
}

// Judged is how a response was judged.
type Judged struct {
	Reason string // of a refusal; empty: it was accepted
	Email  string
	Issuer string
	NameID string
}

// NewShadow tries next in the place of the connection, with the metadata that was
// read for it. It returns [ErrNothingToChange].
func (c *Stored) NewShadow(next Connection, m Metadata, by Author) (*Shadow, audit.Event, error) {
	changes := Differences(c.s.Settings, next.Settings())
	if next.Slug() != c.via.Slug() {
		return nil, audit.Event{}, fmt.Errorf("connection %s cannot become %s", c.via.Slug(), next.Slug())
	}
	if len(changes) == 0 {
		return nil, audit.Event{}, ErrNothingToChange
	}
	s := &Shadow{next.OwnedBy(Database), ShadowSnapshot{
		Settings: next.Settings(), Revision: c.s.Revision, MadeAt: by.At, MadeBy: by.Actor.Name,
		Metadata: Metadata{EntityID: m.EntityID, Document: m.Document, ValidUntil: m.ValidUntil},
	}}
	return s, by.event(audit.ConnectionShadowed, next.Slug(), Differing(changes)), nil
}

// RestoreShadow is the way back from storage.
func RestoreShadow(s ShadowSnapshot) (*Shadow, error) {
	via, err := New(s.Settings)
	if err != nil {
		return nil, fmt.Errorf("stored shadow of connection %q: %w", s.Settings.Slug, err)
	}
	if s.Revision < 1 || s.MadeAt.IsZero() || s.Same > s.Compared || len(s.Differences) > ShadowDifferences {
		return nil, errors.New("stored shadow of connection " + via.Slug() + " is in an impossible state")
	}
	s.Settings = via.Settings()
	return &Shadow{via.OwnedBy(Database), s}, nil
}

// Snapshot is the shadow laid flat.
func (s *Shadow) Snapshot() ShadowSnapshot { return s.s }

// Connection is the connection as it would be.
func (s *Shadow) Connection() Connection { return s.via }

// Compare counts a response that both have judged.
func (s *Shadow) Compare(now, shadow Judged, requestID string, at time.Time) {
	s.s.Compared++
	d := ShadowDifference{At: at, RequestID: requestID}
	switch {
	case now.Reason != shadow.Reason:
		d.What, d.Now, d.Shadow = "verdict", now.verdict(), shadow.verdict()
	case now.Email != shadow.Email:
		d.What, d.Now, d.Shadow = "email", now.Email, shadow.Email
	case now.Issuer != shadow.Issuer || now.NameID != shadow.NameID:
		d.What, d.Now, d.Shadow = "subject", now.subject(), shadow.subject()
	default:
		s.s.Same++
		return
	}
	s.s.Differences = slices.Insert(s.s.Differences, 0, d)
	s.s.Differences = s.s.Differences[:min(len(s.s.Differences), ShadowDifferences)]
}

func (j Judged) verdict() string {
	if j.Reason == "" {
		return "accepted"
	}
	return "refused: " + j.Reason
}

func (j Judged) subject() string { return j.NameID + " of " + j.Issuer }

// Drop returns the event that the change is no longer tried.
func (s *Shadow) Drop(by Author) audit.Event {
	return by.event(audit.ConnectionShadowDropped, s.via.Slug(), fmt.Sprintf("%d responses compared, %d the same", s.s.Compared, s.s.Same))
}
