package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Day is a day in UTC, as 2026-11-25. Its events are sealed together.
type Day string

// DayOf returns the day of a time.
func DayOf(at time.Time) Day { return Day(at.UTC().Format(time.DateOnly)) }

// Begins returns the day's first moment, and the zero time if d is no day.
func (d Day) Begins() time.Time {
	at, _ := time.Parse(time.DateOnly, string(d))
	return at
}

// Next returns the following day, which begins when d ends.
func (d Day) Next() Day { return DayOf(d.Begins().AddDate(0, 0, 1)) }

// SealableBefore returns the time before which a day has to have ended if it is to
// be sealed at the given time: long after the last transaction with an event of
// that day, also if replicas' clocks differ by minutes.
func SealableBefore(at time.Time) time.Time { return at.Add(-time.Hour) }

// Chain is a hash over an event and all events before it.
type Chain [sha256.Size]byte

// BeginDay begins the chain of a day behind the head of the day before; the zero
// Chain if no day was sealed before.
func BeginDay(d Day, before Chain) Chain {
	return sha256.Sum256([]byte("devicegate audit 1\n" + string(d) + "\n" + before.Hex() + "\n"))
}

// Then returns the chain with one more event.
func (c Chain) Then(e Event) Chain { return sha256.Sum256(e.AppendJSON(c[:])) }

// Hex is the chain in hexadecimal digits.
func (c Chain) Hex() string { return hex.EncodeToString(c[:]) }

// ParseChain reads hexadecimal digits.
func ParseChain(text string) (c Chain, err error) {
	if n, err := hex.Decode(c[:], []byte(text[:min(len(text), 2*len(c))])); err != nil || n != len(c) || len(text) != 2*len(c) {
		return Chain{}, fmt.Errorf("audit: a head has %d hexadecimal digits", 2*len(c))
	}
	return c, nil
}

// Link is the chain as it was after one event.
type Link struct {
	Day    Day
	Number int64 // from 1 in each day
	Event  Position
	Chain  Chain
}

// Seal is what is kept of a day that is over.
type Seal struct {
	Day      Day
	Events   int64
	Before   Chain // the head of the day before
	Head     Chain
	SealedAt time.Time
	// RemovedAt is when retention began to remove the events; zero: they are kept.
	RemovedAt time.Time
}
