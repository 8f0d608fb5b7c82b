package ports

import "time"

// Clock tells the time in UTC, to the microsecond: PostgreSQL keeps no more,
// and what was stored has to equal what comes back.
type Clock func() time.Time

// SystemClock is the machine's.
func SystemClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
