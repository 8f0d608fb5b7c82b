package token

import "time"

// Retention is how long a token is kept after it ended.
type Retention time.Duration

// EndedBefore returns the time before which a token has to have ended if it is
// to be deleted at the given time.
func (r Retention) EndedBefore(at time.Time) time.Time { return at.Add(-time.Duration(r)) }
