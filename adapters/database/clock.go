package database

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
)

const (
	// clockTolerance is the difference between this machine's clock and the
	// server's from which on the server's is used.
	clockTolerance = 2 * time.Second
	// compareEvery is how long a clock that was set goes unnoticed, unless it was
	// set back.
	compareEvery = 10 * time.Second
)

// Clock is this machine's clock, or PostgreSQL's if the two differ by more than
// [clockTolerance]: the audit trail is ordered by time, so replicas have to agree
// on it. Now is a [ports.Clock].
type Clock struct {
	machine  func() time.Time
	elapsed  func() time.Duration // since some moment; no setting of a clock changes it
	compared atomic.Pointer[comparison]
}

// comparison is the last one of the two clocks.
type comparison struct {
	at      time.Time     // by the clock that is used
	elapsed time.Duration // at that time
	ahead   time.Duration // how far the clock that is used is ahead of the machine's
}

// NewClock makes a clock that is the machine's until it is compared.
func NewClock() *Clock {
	begin := time.Now()
	return &Clock{machine: time.Now, elapsed: func() time.Duration { return time.Since(begin) }}
}

// Now tells the time in UTC, to the microsecond.
func (c *Clock) Now() time.Time { return c.now().UTC().Truncate(time.Microsecond) }

func (c *Clock) now() time.Time {
	now := c.machine()
	last := c.compared.Load()
	if last == nil {
		return now
	}
	now = now.Add(last.ahead)
	// A machine's clock that was set back is not followed until it is compared.
	if on := last.at.Add(c.elapsed() - last.elapsed); on.Sub(now) > clockTolerance {
		return on
	}
	return now
}

// compare asks the server for its time.
func (c *Clock) compare(ctx context.Context, db *bun.DB) error {
	ctx, cancel := context.WithTimeout(ctx, compareEvery)
	defer cancel()
	var server time.Time
	before, sent := c.machine(), c.elapsed()
	if err := db.NewRaw("SELECT clock_timestamp()").Scan(ctx, &server); err != nil {
		return fmt.Errorf("compare clocks: %w", mapError(ctx, err))
	}
	took := c.elapsed() - sent
	if took > clockTolerance {
		return nil // too slow to compare by
	}
	next := &comparison{at: before.Add(took), elapsed: sent + took}
	if ahead := server.Sub(before.Add(took / 2)); ahead.Abs() > clockTolerance {
		next.at, next.ahead = next.at.Add(ahead), ahead
	}
	c.compared.Store(next)
	return nil
}

// follow compares the clocks again and again until ctx ends, and logs when another
// one is used.
func (c *Clock) follow(ctx context.Context, db *bun.DB, log *slog.Logger) {
	again := time.NewTicker(compareEvery)
	defer again.Stop()
	differed := false
	for {
		if last := c.compared.Load(); last != nil && (last.ahead != 0) != differed {
			if differed = !differed; differed {
				log.WarnContext(ctx, "this machine's clock differs from the database's, which is used; set both by NTP", "machine_is_behind_by", last.ahead.Round(time.Millisecond).String())
			} else {
				log.InfoContext(ctx, "this machine's clock is the same as the database's again, and is used")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		_ = c.compare(ctx, db) // the store reports a database that does not answer
	}
}
