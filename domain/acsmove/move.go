package acsmove

import (
	"fmt"
	"strconv"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
)

var (
	// ErrNothingToMove says that requests of a connection name the canonical
	// callback already: it is configured so, or was moved.
	ErrNothingToMove = fault.New(fault.Conflict, "nothing_to_move",
		"The connection's requests name the canonical callback already. See where each connection is: devicegate migration status.")
	errNotMoved = ErrNothingToMove.Saying("The connection was not moved; its requests name what acs_mount says. See where each connection is: devicegate migration status.")
	// ErrNotProven says that no sign-in on the canonical callback was seen.
	ErrNotProven = fault.New(fault.Conflict, "move_not_proven",
		"No sign-in has ended on the canonical callback yet. Make one with: devicegate migration test.")
	// ErrChanged says that a connection was moved, or moved back, since it was read.
	ErrChanged = fault.New(fault.PreconditionFailed, "move_changed",
		"The connection was moved, or moved back, since you read its status. Read it again, then repeat the step.")
)

// Move is what was decided about one connection. Its methods are the only ways it
// changes; one that returns an error has changed nothing.
type Move struct{ s Snapshot }

// Snapshot is a [Move] laid flat. The zero MovedAt says that the connection's
// setting holds.
type Snapshot struct {
	Connection string
	MovedAt    time.Time
	MovedBy    string
	Test       TestSnapshot
}

// New is the move of a connection about which nothing was decided.
func New(slug string) *Move { return &Move{Snapshot{Connection: slug}} }

// Restore brings a move back from storage.
func Restore(s Snapshot) (*Move, error) {
	if s.Connection == "" || s.MovedAt.IsZero() != (s.MovedBy == "") || !s.Test.possible() {
		return nil, fmt.Errorf("acsmove: the stored move of connection %q is in an impossible state", s.Connection)
	}
	return &Move{s}, nil
}

// Snapshot is the move laid flat.
func (m *Move) Snapshot() Snapshot { return m.s }

// Version is another one after each move and each way back.
func (s Snapshot) Version() string {
	if s.MovedAt.IsZero() {
		return "unmoved"
	}
	return strconv.FormatInt(s.MovedAt.UnixMicro(), 10)
}

// CheckVersion returns [ErrChanged] unless version is that of the move, or empty.
func (m *Move) CheckVersion(version string) error {
	if version != "" && version != m.s.Version() {
		return ErrChanged
	}
	return nil
}

// Advance makes requests name the canonical callback from now on. It returns
// [ErrNothingToMove], also if that was done before, and, unless unproven is
// allowed, [ErrNotProven].
func (m *Move) Advance(seen Ledger, via connection.Connection, unproven bool, by audit.Actor, at time.Time, origin request.Origin) (audit.Event, error) {
	switch {
	case m.s.Advertised(via.Settings().ACSMount) == connection.Canonical:
		return audit.Event{}, ErrNothingToMove
	case !unproven && !seen.Proven(at):
		return audit.Event{}, ErrNotProven
	}
	reason := "proven"
	if !seen.Proven(at) {
		reason = "unproven"
	}
	return m.moved(reason, by, at, origin), nil
}

func (m *Move) moved(reason string, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	m.s.MovedAt, m.s.MovedBy = at, by.Name
	e := m.event(audit.ACSMoved, by, at, origin)
	e.Mount, e.Reason = string(connection.Canonical), reason
	return e
}

// Revert makes the connection's setting hold again. It returns
// [ErrNothingToMove] if that is so already.
func (m *Move) Revert(by audit.Actor, at time.Time, origin request.Origin) (audit.Event, error) {
	if m.s.MovedAt.IsZero() {
		return audit.Event{}, errNotMoved
	}
	m.s.MovedAt, m.s.MovedBy = time.Time{}, ""
	return m.event(audit.ACSMovedBack, by, at, origin), nil
}

func (m *Move) event(kind audit.Kind, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.Connection = m.s.Connection
	return e
}
