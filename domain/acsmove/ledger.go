package acsmove

import (
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
)

const (
	// window is how long a sign-in counts: a connection without any in that time
	// is silent.
	window = 30 * 24 * time.Hour
	// settled is how long the legacy callback has to be without a sign-in before it
	// can be closed for a connection: a whole week, as sign-ins differ by weekday.
	settled = 7 * 24 * time.Hour
	// inFlight is how long our metadata goes on listing the legacy callback after a
	// request has named it, because the response may still come there.
	inFlight = 24 * time.Hour
)

// SightingKind was seen of a callback.
type SightingKind string

// The kinds.
const (
	Requested SightingKind = "requested" // an AuthnRequest named it
	Succeeded SightingKind = "succeeded" // a sign-in was completed with a response to it
	Failed    SightingKind = "failed"    // a response to it was refused
)

// Sighting is one thing that was seen.
type Sighting struct {
	Connection string
	Mount      connection.Mount
	Kind       SightingKind
	Reason     string // of a failure
	At         time.Time
}

// Traffic is what was seen of one callback of a connection.
type Traffic struct {
	Requests      int64
	LastRequestAt time.Time

	Succeeded      int64
	FirstSuccessAt time.Time
	LastSuccessAt  time.Time

	Failed            int64
	LastFailureAt     time.Time
	LastFailureReason string
}

// Add returns the traffic with one sighting more.
func (t Traffic) Add(s Sighting) Traffic {
	var one Traffic
	switch s.Kind {
	case Requested:
		one.Requests, one.LastRequestAt = 1, s.At
	case Succeeded:
		one.Succeeded, one.FirstSuccessAt, one.LastSuccessAt = 1, s.At, s.At
	case Failed:
		one.Failed, one.LastFailureAt, one.LastFailureReason = 1, s.At, s.Reason
	}
	return t.Plus(one)
}

// Plus adds up what was counted apart.
func (t Traffic) Plus(o Traffic) Traffic {
	t.Requests += o.Requests
	t.Succeeded += o.Succeeded
	t.Failed += o.Failed
	t.LastRequestAt = later(t.LastRequestAt, o.LastRequestAt)
	t.LastSuccessAt = later(t.LastSuccessAt, o.LastSuccessAt)
	if t.FirstSuccessAt.IsZero() || !o.FirstSuccessAt.IsZero() && o.FirstSuccessAt.Before(t.FirstSuccessAt) {
		t.FirstSuccessAt = o.FirstSuccessAt
	}
	if o.LastFailureAt.After(t.LastFailureAt) {
		t.LastFailureAt, t.LastFailureReason = o.LastFailureAt, o.LastFailureReason
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Ledger is what was seen of a connection, and what was decided about it.
type Ledger struct {
	Connection string
	Legacy     Traffic
	Canonical  Traffic
	Move       Snapshot
}

// Traffic of one callback.
func (l *Ledger) Traffic(on connection.Mount) *Traffic {
	if on == connection.Legacy {
		return &l.Legacy
	}
	return &l.Canonical
}

// Advertised is the callback that AuthnRequests name. set is the connection's
// setting, which a move overrules.
func (s Snapshot) Advertised(set connection.Mount) connection.Mount {
	if s.MovedAt.IsZero() {
		return set
	}
	return connection.Canonical
}

// Lists reports whether our metadata for the connection lists the legacy callback:
// while requests name it, and while a response to such a request may come.
func (l Ledger) Lists(set connection.Mount, at time.Time) bool {
	return l.Move.Advertised(set) == connection.Legacy || within(l.Legacy.LastRequestAt, inFlight, at)
}

// NeedsLegacy says why the connection cannot do without the legacy callback; ""
// if it can.
func (l Ledger) NeedsLegacy(set connection.Mount, at time.Time) string {
	switch last := l.Legacy.LastSuccessAt; {
	case l.Move.Advertised(set) == connection.Legacy:
		return "its requests name the legacy callback"
	case within(last, settled, at):
		return fmt.Sprintf("a response came to the legacy callback on %s, less than %d days ago", last.UTC().Format(time.DateOnly), settled/day)
	}
	return ""
}

// Proven reports whether the identity provider has been seen to post to the
// canonical callback lately, and not to be refused there since.
func (l Ledger) Proven(at time.Time) bool {
	good := l.Canonical.LastSuccessAt
	return within(good, window, at) && !l.Canonical.LastFailureAt.After(good)
}

const day = 24 * time.Hour

// within reports whether t lies less than d before at.
func within(t time.Time, d time.Duration, at time.Time) bool {
	return !t.IsZero() && at.Sub(t) < d
}

// State is how far the move of a connection is.
type State string

// The states.
const (
	LegacyOnly   State = "legacy only" // sign-ins end on the legacy callback
	Both         State = "both"        // on either
	CanonicalFor State = "canonical"   // for some days on the canonical one alone
	Silent       State = "silent"      // there are none
)

// Verdict is a [State] since some time.
type Verdict struct {
	State State
	Since time.Time // of CanonicalFor and Silent; zero: never any sign-in
	Days  int       // of CanonicalFor: whole days since
}

func (v Verdict) String() string {
	switch {
	case v.State == CanonicalFor && v.Days == 1:
		return "canonical for 1 day"
	case v.State == CanonicalFor:
		return fmt.Sprintf("canonical for %d days", v.Days)
	case v.State == Silent && v.Since.IsZero():
		return "silent, no sign-in yet"
	case v.State == Silent:
		return "silent since " + v.Since.UTC().Format(time.DateOnly)
	}
	return string(v.State)
}

// Verdict judges the sign-ins of the last thirty days. While requests name the
// legacy callback, sign-ins on the canonical one are no more than a proof.
func (l Ledger) Verdict(set connection.Mount, at time.Time) Verdict {
	legacy, canonical := l.Legacy.LastSuccessAt, l.Canonical.LastSuccessAt
	switch {
	case !within(legacy, window, at) && !within(canonical, window, at):
		return Verdict{State: Silent, Since: later(legacy, canonical)}
	case !within(canonical, window, at):
		return Verdict{State: LegacyOnly}
	case l.Move.Advertised(set) == connection.Legacy, !canonical.After(legacy):
		return Verdict{State: Both}
	}
	since := later(legacy, l.Canonical.FirstSuccessAt)
	return Verdict{CanonicalFor, since, int(at.Sub(since) / day)}
}
