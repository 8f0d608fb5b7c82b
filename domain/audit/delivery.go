package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/uid"
)

// Sink names a receiver of all events.
type Sink string

// The sinks.
const (
	Webhook Sink = "webhook"
	Syslog  Sink = "syslog"
	OTLP    Sink = "otlp"
)

// ErrNoSink says that there is no sink of a name.
var ErrNoSink = fault.InvalidRequest("There is no such receiver of events. Write webhook, syslog or otlp.")

// ParseSink reads the name of a sink. It returns [ErrNoSink].
func ParseSink(name string) (Sink, error) {
	switch s := Sink(name); s {
	case Webhook, Syslog, OTLP:
		return s, nil
	}
	return "", ErrNoSink
}

// ErrUnknownSink says that nothing is delivered to a sink.
var ErrUnknownSink = fault.New(fault.NotFound, "unknown_sink",
	"Nothing is delivered to this sink. Its setting is not there, or no worker has run with it yet; see: devicegate audit deliveries")

// Settled returns the time before which events have their final place in the
// trail: longer ago than a transaction lasts and replicas' clocks differ.
func Settled(at time.Time) time.Time { return at.Add(-time.Minute) }

// Progress is how far a sink has got with the trail. One worker at a time delivers
// to a sink: the one that holds its lease.
type Progress struct {
	Sink         Sink
	After        Position  // what comes later is still to be delivered
	Holder       uid.ID    // of the lease
	LeaseUntil   time.Time // the end of the lease, if its holder does not renew it
	FailingSince time.Time // zero: the last attempt succeeded
	Failures     int       // in a row
	NextAt       time.Time // no attempt before; zero: at once
	LastError    string
	DeliveredAt  time.Time // the last success
}

// leaseTime is longer than a holder takes between two renewals.
const leaseTime = 2 * time.Minute

// Claim takes the lease for holder, if it is free and an attempt is due. A sink
// that is new begins now: events of the past are delivered by a replay.
func (p *Progress) Claim(holder uid.ID, at time.Time) bool {
	if p.Holder != holder && at.Before(p.LeaseUntil) || at.Before(p.NextAt) {
		return false
	}
	if p.After.IsZero() {
		p.After = Position{At: Settled(at)}
	}
	p.Holder, p.LeaseUntil = holder, at.Add(leaseTime)
	return true
}

// Release ends the lease.
func (p *Progress) Release() { p.Holder, p.LeaseUntil = uid.ID{}, time.Time{} }

// Succeeded records that everything up to a position was delivered or parked, and
// renews the lease.
func (p *Progress) Succeeded(upTo Position, at time.Time) {
	p.After, p.DeliveredAt, p.LeaseUntil = upTo, at, at.Add(leaseTime)
	p.FailingSince, p.Failures, p.NextAt, p.LastError = time.Time{}, 0, time.Time{}, ""
}

// Failed records that the sink took no event. later is the pause that the sink
// asked for; zero: it did not say.
func (p *Progress) Failed(reason string, later time.Duration, at time.Time) {
	if p.FailingSince.IsZero() {
		p.FailingSince = at
	}
	p.Failures++
	p.LastError = reason
	p.NextAt = at.Add(min(max(later, sinkPause(p.Failures)), sinkPauseMax))
}

const (
	sinkPauseMin = 10 * time.Second
	sinkPauseMax = 15 * time.Minute
)

func sinkPause(failures int) time.Duration {
	return min(sinkPauseMin<<min(failures-1, 10), sinkPauseMax)
}

// Probes returns how many streams have to fail, and none to succeed, before the
// sink is held to be down. It grows with the failures in a row, so that some events
// that a receiver never takes do not hold up all others.
func (p *Progress) Probes() int { return 3 + 10*p.Failures }

// Rewind makes the sink get everything after a position once more. The worker that
// delivers now loses its lease.
func (p *Progress) Rewind(to Position) {
	p.After, p.NextAt = to, time.Time{}
	p.Release()
}

// Parked is an event that one sink did not take while it took others, or that
// waits behind such a one of its stream. Its event is in the trail.
type Parked struct {
	Sink      Sink
	Event     Position
	Stream    string
	Attempts  int
	NextAt    time.Time
	Dead      bool // given up, until it is replayed
	LastError string
}

// parkedPauses are the times between attempts to deliver a parked event.
var parkedPauses = []time.Duration{
	time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// Failed records an attempt. After the last one the event is dead: it holds up its
// stream no longer.
func (p *Parked) Failed(reason string, at time.Time) {
	p.Attempts++
	p.LastError = reason
	if p.Attempts > len(parkedPauses) {
		p.Dead = true
		return
	}
	p.NextAt = at.Add(parkedPauses[p.Attempts-1])
}

// Revive makes a dead event due again.
func (p *Parked) Revive(at time.Time) { p.Dead, p.Attempts, p.NextAt = false, 0, at }

// StreamOf names the events among which order is kept: those of one person, else
// of one login, else of one actor. It is a hash and tells nothing of them.
func StreamOf(e Event) string {
	of := "actor\x00" + string(e.Actor.Kind) + "\x00" + e.Actor.Name
	switch {
	case !e.Subject.IsZero():
		of = "subject\x00" + e.Subject.Issuer() + "\x00" + e.Subject.Email().String()
	case !e.AuthorizationID.IsZero():
		of = "login\x00" + e.AuthorizationID.String()
	}
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:16])
}
