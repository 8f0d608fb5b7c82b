package device

import "time"

// retention is how long an authorization is kept after it expired. A late
// approval, the repetition of an answer and undo all end within minutes of that.
const retention = time.Hour

// DeletableBefore returns the time before which an authorization has to have
// expired if it is to be deleted at the given time. One that was redeemed is
// kept for as long as its token is: people are shown where their tokens went.
func DeletableBefore(at time.Time) time.Time { return at.Add(-retention) }
