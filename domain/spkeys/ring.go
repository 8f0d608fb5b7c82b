package spkeys

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
)

var (
	// ErrExist says that the service provider has pairs already.
	ErrExist = fault.New(fault.Conflict, "keys_exist", "The service provider has keys already. To replace them, add a next key and promote it.")
	// ErrNextExists says that a pair is published and waits to become the active one.
	ErrNextExists = fault.New(fault.Conflict, "next_key_exists",
		"There is a next key already. Promote it, or retire it first.")
	// ErrNoNext says that no pair waits to become the active one.
	ErrNoNext = fault.New(fault.Conflict, "no_next_key",
		"There is no next key. Add one first; identity providers have to read it before it signs.")
	// ErrTooFresh says that identity providers had little time to read the next pair.
	ErrTooFresh = fault.New(fault.Conflict, "next_key_too_fresh",
		"The next key was published less than a day ago. Identity providers may not have read it; overrule this only if you know that they have.")
	// ErrPreviousExists says that the pair before the active one is still there.
	ErrPreviousExists = fault.New(fault.Conflict, "previous_key_exists",
		"The previous key is still there. Retire it first, when no identity provider encrypts for it any more.")
	// ErrChanged says that the pairs are others than when they were read.
	ErrChanged = fault.New(fault.PreconditionFailed, "keys_changed",
		"The keys were changed since you read them. Read them again, then repeat the step.")
	// ErrNothingToRetire says that there is no pair of that kind.
	ErrNothingToRetire = fault.New(fault.Conflict, "no_such_key", "There is no such key to retire. List the keys to see those that are there.")
)

// publishTime is how long a pair is published at least before it signs. Most
// identity providers read metadata once a day, if they read it at all.
const publishTime = 24 * time.Hour

// Role is what a pair is there for.
type Role string

// The roles.
const (
	Active   Role = "active"   // signs, and decrypts
	Next     Role = "next"     // published, and decrypts
	Previous Role = "previous" // decrypts
)

// Ring is the service provider's pairs as operators rotate them:
//
//	AddNext: a pair is published ─▶ Promote: it signs, the old one still decrypts ─▶ Retire
//
// Its methods are the only ways it changes; one that returns an error has changed
// nothing.
type Ring struct{ s RingSnapshot }

// RingPair is a pair and since when it has its role.
type RingPair struct {
	Pair
	Since time.Time
}

// RingSnapshot is a [Ring] laid flat. It holds private keys.
type RingSnapshot struct{ Active, Next, Previous RingPair }

// Format prints nothing of the keys, whatever the verb.
func (RingSnapshot) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, "[SP key pairs]") }

// NewRing makes the ring of a service provider that has none. reason says where the
// pair comes from.
func NewRing(active Pair, reason string, by audit.Actor, at time.Time) (*Ring, audit.Event) {
	r := &Ring{RingSnapshot{Active: RingPair{active, at}}}
	e := r.event(audit.KeysMade, active, by, at, request.Origin{})
	e.Reason = reason
	return r, e
}

// RestoreRing brings a ring back from storage.
func RestoreRing(s RingSnapshot) (*Ring, error) {
	for _, h := range []RingPair{s.Active, s.Next, s.Previous} {
		if h.IsZero() != h.Since.IsZero() {
			return nil, fmt.Errorf("spkeys: a stored pair is in an impossible state")
		}
	}
	if s.Active.IsZero() {
		return nil, ErrNone
	}
	return &Ring{s}, nil
}

// Snapshot is the ring laid flat.
func (r *Ring) Snapshot() RingSnapshot { return r.s }

// Set is what the ring's pairs are used for now.
func (r *Ring) Set() Set { return Set{r.s.Active.Pair, r.s.Next.Pair, r.s.Previous.Pair} }

// Version is another one after each step.
func (s RingSnapshot) Version() string {
	sum := sha256.Sum256([]byte(s.Active.Fingerprint() + "," + s.Next.Fingerprint() + "," + s.Previous.Fingerprint()))
	return hex.EncodeToString(sum[:8])
}

// CheckVersion returns [ErrChanged] unless version is that of the ring, or empty.
func (r *Ring) CheckVersion(version string) error {
	if version != "" && version != r.s.Version() {
		return ErrChanged
	}
	return nil
}

// AddNext publishes a pair that will become the active one. It returns
// [ErrNextExists].
func (r *Ring) AddNext(pair Pair, by audit.Actor, at time.Time, origin request.Origin) (audit.Event, error) {
	if !r.s.Next.IsZero() {
		return audit.Event{}, ErrNextExists
	}
	r.s.Next = RingPair{pair, at}
	return r.event(audit.KeyAdded, pair, by, at, origin), nil
}

// Promote makes the next pair the active one, and that the previous one. It returns
// [ErrNoNext], [ErrPreviousExists] and, unless it may be early, [ErrTooFresh].
func (r *Ring) Promote(early bool, by audit.Actor, at time.Time, origin request.Origin) (audit.Event, error) {
	switch {
	case r.s.Next.IsZero():
		return audit.Event{}, ErrNoNext
	case !r.s.Previous.IsZero():
		return audit.Event{}, ErrPreviousExists
	case !early && at.Sub(r.s.Next.Since) < publishTime:
		return audit.Event{}, ErrTooFresh
	}
	r.s.Previous, r.s.Active, r.s.Next = RingPair{r.s.Active.Pair, at}, RingPair{r.s.Next.Pair, at}, RingPair{}
	return r.event(audit.KeyPromoted, r.s.Active.Pair, by, at, origin), nil
}

// Retire deletes the previous pair, or the next one. It returns
// [ErrNothingToRetire].
func (r *Ring) Retire(role Role, by audit.Actor, at time.Time, origin request.Origin) (audit.Event, error) {
	held := map[Role]*RingPair{Next: &r.s.Next, Previous: &r.s.Previous}[role]
	if held == nil || held.IsZero() {
		return audit.Event{}, ErrNothingToRetire
	}
	e := r.event(audit.KeyRetired, held.Pair, by, at, origin)
	e.Reason = string(role)
	*held = RingPair{}
	return e, nil
}

// Resealed is the event of keys that were sealed anew after the secret that seals
// them was changed.
func (r *Ring) Resealed(by audit.Actor, at time.Time) audit.Event {
	return r.event(audit.KeysResealed, r.s.Active.Pair, by, at, request.Origin{})
}

func (r *Ring) event(kind audit.Kind, pair Pair, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.Detail = "certificate " + pair.Fingerprint()
	return e
}

// Fingerprint is the SHA-256 of the certificate, in hex.
func (p Pair) Fingerprint() string {
	if p.IsZero() {
		return ""
	}
	sum := sha256.Sum256(p.certificate.Raw)
	return hex.EncodeToString(sum[:])
}
